// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-CHANGED: helper f
// EXPECT-NOTE: HP024-prototype
// EXPECT-MODEL: patched-set thread
#pragma GCC visibility push(hidden)
extern int total;
#ifdef PATCHED
__attribute__((noinline)) int helper(int x, int y) { return total += x * y; }
int f(int x) { return helper(x, 2); }
#else
__attribute__((noinline)) int helper(int x) { return total += x; }
int f(int x) { return helper(x); }
#endif

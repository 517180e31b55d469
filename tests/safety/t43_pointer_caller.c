// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-REJECT: HP024-prototype
#pragma GCC visibility push(hidden)
extern int total;
#ifdef PATCHED
__attribute__((noinline)) static int helper(int x, long y) { return total += x * y; }
int f(int x) { return helper(x, 2); }
#else
__attribute__((noinline)) static int helper(int x) { return total += x; }
int f(int x) { return helper(x); }
#endif
void* get(void) { return (void*)helper; }

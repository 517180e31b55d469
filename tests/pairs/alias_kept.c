// SPDX-License-Identifier: GPL-2.0-or-later
// Two names of one place are one thing, in whichever order they come.
// EXPECT-CHANGED: f
#ifdef PATCHED
__attribute__((noinline)) int f(int x) { return x * 3 + 2; }
#else
__attribute__((noinline)) int f(int x) { return x * 3 + 1; }
#endif
int g(int) __attribute__((alias("f")));
int user(int x) { return g(x) + f(x + 1); }

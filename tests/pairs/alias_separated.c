// SPDX-License-Identifier: GPL-2.0-or-later
// The second name of a function becomes a function of its own.
// EXPECT-REJECT: HP035-alias
int f(int x) { return x * 3 + 1; }
#ifdef PATCHED
int g(int x) { return x * 5 + 2; }
#else
int g(int) __attribute__((alias("f")));
#endif

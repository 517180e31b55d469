// SPDX-License-Identifier: GPL-2.0-or-later
// A function becomes a second name of another one that does something else: whoever calls it by name would go on with the old code.
// EXPECT-REJECT: HP035-alias
int f(int x) { return x * 3 + 1; }
#ifdef PATCHED
int g(int) __attribute__((alias("f")));
#else
int g(int x) { return x * 5 + 2; }
#endif

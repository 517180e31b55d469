// SPDX-License-Identifier: GPL-2.0-or-later
// The second name of one function becomes one of another; neither of the two changes.
// EXPECT-REJECT: HP035-alias
int first(int x) { return x + 1; }
int second(int x) { return x * 3; }
#ifdef PATCHED
int other(int) __attribute__((alias("second")));
#else
int other(int) __attribute__((alias("first")));
#endif

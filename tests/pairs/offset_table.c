// SPDX-License-Identifier: GPL-2.0-or-later
// Code that takes addresses from the global offset table is compared like any other, and cannot be taken along.
// FLAGS: -fvisibility=default
// EXPECT-REJECT: HP038-offset-table
extern int counter, other(int);
#ifdef PATCHED
int f(int x) { return other(x) + counter + 1; }
#else
int f(int x) { return other(x) + counter; }
#endif
int g(int x) { return other(x) * counter; }

// SPDX-License-Identifier: GPL-2.0-or-later
// The same bytes, and a call of something else.
// EXPECT-CHANGED: f
extern int one(int), two(int);
#ifdef PATCHED
int f(int x) { return two(x) + 1; }
#else
int f(int x) { return one(x) + 1; }
#endif

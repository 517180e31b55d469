// SPDX-License-Identifier: GPL-2.0-or-later
// A constant table has an address where it had none.
// EXPECT-CHANGED: f table
extern int one(int);
#ifdef PATCHED
static int (*const table[2])(int) = {one, one};
#else
static int (*const table[2])(int) = {one, 0};
#endif
extern int call(int (*const*)(int), int);
int f(int x) { return call(table, x); }

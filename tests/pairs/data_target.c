// SPDX-License-Identifier: GPL-2.0-or-later
// A constant table has the address of something else; another holds a place behind the same object.
// EXPECT-CHANGED: f g table places
extern int one(int), two(int), array[];
#ifdef PATCHED
static int (*const table[2])(int) = {one, two};
static int* const places[2] = {array, array + 3};
#else
static int (*const table[2])(int) = {one, one};
static int* const places[2] = {array, array + 2};
#endif
extern int call(int (*const*)(int), int), look(int* const*, int);
int f(int x) { return call(table, x); }
int g(int x) { return look(places, x); }

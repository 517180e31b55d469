// SPDX-License-Identifier: GPL-2.0-or-later
// A changed constant whose users do not change by themselves takes them all.
// EXPECT-CHANGED: lookup check table
// EXPECT-TAKES: lookup check table
// EXPECT-LEAVES: bystander
#ifdef PATCHED
static const int table[9] = {91, -2, 37, 0, 1 << 20, 6, 7777, 9};
#else
static const int table[9] = {91, -2, 37, 0, 1 << 20, 6, 7777, 8};
#endif
int lookup(int i) { return table[i & 7]; }
int check(int i, int x) { return table[i & 7] == x; }
int bystander(int i) { return i ^ 5; }

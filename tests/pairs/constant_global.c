// SPDX-License-Identifier: GPL-2.0-or-later
// A constant that other units may use cannot be replaced for one of them.
// EXPECT-REJECT: HP006-shared-constant
#ifdef PATCHED
const int table[4] = {1, 2, 3, 5};
#else
const int table[4] = {1, 2, 3, 4};
#endif
int lookup(int i) { return table[i & 3]; }

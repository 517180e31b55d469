// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-REJECT: HP004-data-size
#ifdef PATCHED
static long slots[8];
#else
static long slots[4];
#endif
long get(int i) { return slots[i]; }
void set(int i, long x) { slots[i] = x; }

// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-REJECT: HP004-data-size
#pragma GCC visibility push(hidden)
#ifdef PATCHED
int slots[16];
#else
int slots[8];
#endif
int get(unsigned i) { return i < sizeof(slots) / sizeof(slots[0]) ? slots[i] : -1; }

// SPDX-License-Identifier: GPL-2.0-or-later
// In a section that tables share, the address behind the end of one is the address of the next.
// TARGET: linux
// FLAGS: -fno-data-sections
// ONLY: gcc
// EXPECT-REJECT: HP034-tied
// EXPECT-SAYS: or it means table+32
extern void note(long);
static const int behind[8] = {12, 22, 32, 42, 52, 62, 72, 82};
#ifdef PATCHED
static const int table[8] = {1, 2, 3, 9, 5, 6, 7, 8};
#else
static const int table[8] = {1, 2, 3, 4, 5, 6, 7, 8};
#endif
void last(long i) { note(behind[i & 7]); }
void all(void) {
  for (const int* p = table; p != table + 8; ++p) note(*p);
}

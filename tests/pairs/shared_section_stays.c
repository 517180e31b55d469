// SPDX-License-Identifier: GPL-2.0-or-later
// Live data that shares a section and stays where it is: whatever an address in it means, it is the same place.
// FLAGS: -fno-data-sections
// ONLY: gcc
// EXPECT-CHANGED: all
static int counters[8];
static int other[8];
extern void note(long);
void all(long n) {
  for (long i = 1; i <= n; ++i) {
    note(i);
    note(++counters[i - 1]);
#ifdef PATCHED
    note(77);
#endif
  }
}
void last(long i) { note(++other[i & 7]); }
void first(long i) { note(++counters[i & 7]); }

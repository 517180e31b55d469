// SPDX-License-Identifier: GPL-2.0-or-later
// Live data that shares a section: behind the new variable the patched object has it elsewhere, and an address of which it is not known
// whether it is that of one or the other cannot be right for both.
// FLAGS: -fno-data-sections
// ONLY: gcc
// EXPECT-REJECT: HP034-tied
static int counters[8];
#ifdef PATCHED
static int added[8];
#endif
static int other[8];
extern void note(long);
void all(long n) {
  for (long i = 1; i <= n; ++i) {
    note(i);
    note(++counters[i - 1]);
#ifdef PATCHED
    note(++added[i & 7]);
#endif
  }
}
void last(long i) { note(++other[i & 7]); }
void first(long i) { note(++counters[i & 7]); }

// SPDX-License-Identifier: GPL-2.0-or-later
// In a section that tables share, the address of table[i - 1] lies in the one before it: nothing but the distance says that it is not that
// one which is meant. The change of the other must not pass for one that nobody uses.
// FLAGS: -fno-data-sections
// ONLY: gcc
// EXPECT-REJECT: HP034-tied
// EXPECT-SAYS: or it means meant-4
#ifdef PATCHED
static const int meant[8] = {12, 22, 32, 42, 1234, 62, 72, 82};
#else
static const int meant[8] = {12, 22, 32, 42, 52, 62, 72, 82};
#endif
static const int before[8] = {13, 23, 33, 43, 53, 63, 73, 83};
extern void note(long);
void first(long i) { note(meant[i & 7]); }
void all(long n) {
  for (long i = 1; i <= n; ++i) {
    note(i);
    note(meant[i - 1]);
  }
}
void last(long i) { note(before[i & 7]); }

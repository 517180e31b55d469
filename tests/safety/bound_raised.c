// SPDX-License-Identifier: GPL-2.0-or-later
// An index goes further, and nothing shows that what it indexes does.
// EXPECT-CHANGED: sum put
// EXPECT-WARN: HP05E-bound
// EXPECT-CLASS: B
// SOURCES: yes
#pragma GCC visibility push(hidden)
extern int table[];
#ifdef PATCHED
#define LIMIT 12
#else
#define LIMIT 8
#endif
int sum(void) {
  int total = 0;
  for (int i = 0; i < LIMIT; ++i) total += table[i];
  return total;
}
int put(int at, int value) {
  if (at >= LIMIT) return -1;
  table[at] = value;
  return 0;
}

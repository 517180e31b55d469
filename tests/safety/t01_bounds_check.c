// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-CHANGED: get
// EXPECT-CLASS: A
// SOURCES: yes
#pragma GCC visibility push(hidden)
extern int table[16];
int get(int i) {
#ifdef PATCHED
  if (i < 0 || i > 15) return -1;
#endif
  return table[i] * 3;
}

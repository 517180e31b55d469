// SPDX-License-Identifier: GPL-2.0-or-later
// A table that is filled is indexed in another way.
// EXPECT-CHANGED: get
// EXPECT-WARN: HP05B-reading
// SOURCES: yes
#pragma GCC visibility push(hidden)
extern int table[64];
int get(unsigned key) {
#ifdef PATCHED
  return table[(key >> 3) & 63];
#else
  return table[key & 63];
#endif
}
void set(unsigned key, int value) { table[key & 63] = value; }

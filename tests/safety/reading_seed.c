// SPDX-License-Identifier: GPL-2.0-or-later
// What is in the table lies where the old number led.
// EXPECT-WARN: HP05B-reading
// EXPECT-CHANGED: put get
// SOURCES: yes
#pragma GCC visibility push(hidden)
struct entry {
  struct entry* next;
  unsigned key;
};
extern struct entry* table[64];
#ifdef PATCHED
static const unsigned seed = 0x1234567;
#else
static const unsigned seed = 0x7654321;
#endif
void put(struct entry* entry) {
  const unsigned at = ((entry->key ^ seed) * 2654435761u) >> 26;
  entry->next = table[at];
  table[at] = entry;
}
struct entry* get(unsigned key) {
  struct entry* entry = table[((key ^ seed) * 2654435761u) >> 26];
  while (entry && entry->key != key) entry = entry->next;
  return entry;
}

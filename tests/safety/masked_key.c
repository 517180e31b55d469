// SPDX-License-Identifier: GPL-2.0-or-later
// A key loses bits where it is stored and where it is looked for: objects alive have it whole.
// EXPECT-REJECT: HP045-expression
// SOURCES: yes
struct entry {
  unsigned long key;
  struct entry* next;
};
void enter(struct entry* entry, unsigned long key) {
#ifdef PATCHED
  entry->key = key & 0x3fffUL;
#else
  entry->key = key;
#endif
}
struct entry* find(struct entry* entry, unsigned long key) {
#ifdef PATCHED
  key &= 0x3fffUL;
#endif
  while (entry && entry->key != key) entry = entry->next;
  return entry;
}

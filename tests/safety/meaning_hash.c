// SPDX-License-Identifier: GPL-2.0-or-later
// Another hash: what is in the table already is not found there any more.
// EXPECT-CHANGED: hash
// EXPECT-WARN: HP05C-meaning
// EXPECT-CLASS: B
// SOURCES: yes
#pragma GCC visibility push(hidden)
struct node {
  struct node* next;
  int key;
};
extern struct node* buckets[64];
static __attribute__((noinline)) unsigned hash(unsigned key) {
#ifdef PATCHED
  return (key * 7) & 63;
#else
  return key & 63;
#endif
}
struct node* find(int key) { return buckets[hash(key)]; }
void add(struct node* node) { buckets[hash(node->key)] = node; }

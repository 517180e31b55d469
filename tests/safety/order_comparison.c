// SPDX-License-Identifier: GPL-2.0-or-later
// What is in the tree lies where the old comparison led.
// EXPECT-REJECT: HP04C-order
// SOURCES: yes
#pragma GCC visibility push(hidden)
struct node {
  struct node *left, *right;
  int key;
};
extern struct node* root;
#ifdef PATCHED
static int precedes(int one, int other) { return one > other; }
#else
static int precedes(int one, int other) { return one < other; }
#endif
void insert(struct node* node) {
  struct node** place = &root;
  while (*place) place = precedes(node->key, (*place)->key) ? &(*place)->left : &(*place)->right;
  *place = node;
}
struct node* find(int key) {
  struct node* node = root;
  while (node && node->key != key) node = precedes(key, node->key) ? node->left : node->right;
  return node;
}

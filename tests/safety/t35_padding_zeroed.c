// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-CHANGED: get make
// EXPECT-WARN: HP002-padding
// EXPECT-CLASS: B
// SOURCES: yes
#pragma GCC visibility push(hidden)
struct foo {
  int a;
  char b;
#ifdef PATCHED
  char f;
#endif
};
extern void* xzalloc_bytes(unsigned long size);
struct foo* make(int a) {
  struct foo* foo = xzalloc_bytes(sizeof(*foo));
  if (foo) foo->a = a;
#ifdef PATCHED
  if (foo) foo->f = a > 3;
#endif
  return foo;
}
int get(struct foo* foo) {
#ifdef PATCHED
  if (foo->f) return -1;
#endif
  return foo->a + foo->b;
}

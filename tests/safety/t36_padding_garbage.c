// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-REJECT: HP002-padding
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
extern void* xmalloc_bytes(unsigned long size);
struct foo* make(int a) {
  struct foo* foo = xzalloc_bytes(sizeof(*foo));
  if (foo) foo->a = a;
  return foo;
}
struct foo* make_fast(int a) {
  struct foo* foo = xmalloc_bytes(sizeof(*foo));
  if (foo) foo->a = a;
  if (foo) foo->b = 0;
  return foo;
}
int get(struct foo* foo) {
#ifdef PATCHED
  if (foo->f) return -1;
#endif
  return foo->a + foo->b;
}

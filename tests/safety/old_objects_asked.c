// SPDX-License-Identifier: GPL-2.0-or-later
// Objects alive hold a null pointer, and the reader asks for it.
// EXPECT-CHANGED: make sum
// EXPECT-WARN: HP04B-old-objects
// SOURCES: yes
#pragma GCC visibility push(hidden)
struct object {
  int n;
  int* extra;
};
extern void* zalloc(unsigned long size);
struct object* make(void) {
  struct object* object = zalloc(sizeof *object);
  if (!object) return 0;
  object->n = 1;
#ifdef PATCHED
  object->extra = zalloc(16);
#endif
  return object;
}
int sum(struct object* object) {
#ifdef PATCHED
  if (object->extra) return object->n + object->extra[1];
#endif
  return object->n;
}

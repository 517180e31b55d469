// SPDX-License-Identifier: GPL-2.0-or-later
// What was made before the patch has no list there, but two null pointers.
// EXPECT-REJECT: HP04B-old-objects
// EXPECT-SAYS: struct object.waiters
// EXPECT-SAYS: make
// SOURCES: yes
#pragma GCC visibility push(hidden)
struct list {
  struct list *next, *prev;
};
struct object {
  int n;
  struct list waiters;
};
extern void* zalloc(unsigned long size);
static inline void list_init(struct list* list) {
  list->next = list;
  list->prev = list;
}
static inline int list_empty(const struct list* list) { return list->next == list; }
extern void wake(struct list* one);
struct object* make(void) {
  struct object* object = zalloc(sizeof *object);
  if (!object) return 0;
  object->n = 1;
#ifdef PATCHED
  list_init(&object->waiters);
#endif
  return object;
}
void finish(struct object* object) {
#ifdef PATCHED
  while (!list_empty(&object->waiters)) wake(object->waiters.next);
#endif
  object->n = 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
// A lock that was never initialised in what was made before.
// EXPECT-REJECT: HP04B-old-objects
// SOURCES: yes
#pragma GCC visibility push(hidden)
struct lock {
  int v;
};
struct object {
  int n;
  struct lock lock;
};
extern void* kmalloc(unsigned long size, unsigned flags);
extern void spin_lock_init(struct lock* lock);
extern void spin_lock(struct lock* lock);
extern void spin_unlock(struct lock* lock);
struct object* make(void) {
  struct object* object = kmalloc(sizeof *object, 0);
  if (!object) return 0;
  object->n = 1;
#ifdef PATCHED
  spin_lock_init(&object->lock);
#endif
  return object;
}
void count(struct object* object) {
#ifdef PATCHED
  spin_lock(&object->lock);
  object->n++;
  spin_unlock(&object->lock);
#else
  object->n++;
#endif
}

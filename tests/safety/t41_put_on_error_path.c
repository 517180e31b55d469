// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-CHANGED: op
// EXPECT-WARN: HP044-counter
// EXPECT-CLASS: B
// SOURCES: yes
#pragma GCC visibility push(hidden)
struct object;
extern struct object* object_get(int id);
extern void object_put(struct object* object);
extern int work(struct object* object);
int op(int id) {
  struct object* object = object_get(id);
  if (work(object) < 0) {
#ifdef PATCHED
    object_put(object);
#endif
    return -22;
  }
  object_put(object);
  return 0;
}

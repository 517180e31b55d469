// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-REJECT: HP044-counter
// SOURCES: yes
#pragma GCC visibility push(hidden)
struct object;
extern struct object* object_get(int id);
extern void object_put(struct object* object);
extern int work(struct object* object);
int start(int id) {
  struct object* object = object_get(id);
  int rc = work(object);
#ifdef PATCHED
  if (rc == 0) object_get(id);
#endif
  object_put(object);
  return rc;
}
void stop(struct object* object) {
  work(object);
#ifdef PATCHED
  object_put(object);
#endif
}

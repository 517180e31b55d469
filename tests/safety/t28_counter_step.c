// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-REJECT: HP044-counter
// SOURCES: yes
#pragma GCC visibility push(hidden)
struct object {
  int ref;
  int flags;
};
extern void destroy(struct object* object);
void object_take(struct object* object) {
#ifdef PATCHED
  object->ref += 2;
#else
  object->ref++;
#endif
}
void object_drop(struct object* object) {
#ifdef PATCHED
  object->ref -= 2;
#else
  object->ref--;
#endif
  if (object->ref == 0) destroy(object);
}

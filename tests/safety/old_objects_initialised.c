// SPDX-License-Identifier: GPL-2.0-or-later
// The same value was given to all objects before, in another place; and a zero is what a member of zeroed memory holds.
// EXPECT-CHANGED: make_object close
// EXPECT-CLASS: A
// SOURCES: yes
#pragma GCC visibility push(hidden)
struct object {
  int n, id, errors;
};
extern void* zalloc(unsigned long size);
extern void give_back(int id);
void reset(struct object* object) { object->id = -1; }
void fail(struct object* object) { object->errors = 1; }
struct object* make_object(void) {
  struct object* object = zalloc(sizeof *object);
  if (!object) return 0;
#ifdef PATCHED
  object->id = -1;
  object->errors = 0;
#endif
  object->n = 1;
  return object;
}
void close(struct object* object) {
#ifdef PATCHED
  if (object->id == -1 || object->errors) return;
#endif
  give_back(object->id);
}

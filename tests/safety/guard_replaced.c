// SPDX-License-Identifier: GPL-2.0-or-later
// A guard of another lock than the one that was taken.
// TARGET: linux
// EXPECT-REJECT: HP023-lock
// SOURCES: yes
struct mutex {
  int v;
};
extern void mutex_lock(struct mutex* lock);
extern void mutex_unlock(struct mutex* lock);
static inline void class_mutex_destructor(struct mutex** lock) {
  if (*lock) mutex_unlock(*lock);
}
static inline struct mutex* class_mutex_constructor(struct mutex* lock) {
  mutex_lock(lock);
  return lock;
}
struct s {
  struct mutex one, other;
  int n;
};
#ifdef PATCHED
int op(struct s* s, int x) {
  struct mutex* scope __attribute__((cleanup(class_mutex_destructor))) = class_mutex_constructor(&s->other);
  return s->n + x;
}
#else
int op(struct s* s, int x) {
  mutex_lock(&s->one);
  const int n = s->n + x;
  mutex_unlock(&s->one);
  return n;
}
#endif

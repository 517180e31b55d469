// SPDX-License-Identifier: GPL-2.0-or-later
// TARGET: linux
// EXPECT-CHANGED: op
// EXPECT-CLASS: A
// SOURCES: yes
struct s {
  int a;
  int b;
  int n;
};
extern void spin_lock(int* lock);
extern void spin_unlock(int* lock);

struct guard {
  int* lock;
};
static inline void guard_end(struct guard* guard) { spin_unlock(guard->lock); }
extern int ready(void);
int op(struct s* s) {
  struct guard guard __attribute__((cleanup(guard_end))) = {&s->a};
  spin_lock(&s->a);
#ifdef PATCHED
  if (!ready()) return -22;
#endif
  s->n += 2;
  return 0;
}

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

extern int spin_trylock(int* lock);
extern int ready(void);
int op(struct s* s) {
  if (!spin_trylock(&s->a)) return -16;
  if (s->n > 3) {
    spin_unlock(&s->a);
    return -22;
  }
#ifdef PATCHED
  if (!ready()) {
    spin_unlock(&s->a);
    return -22;
  }
#endif
  s->n += 2;
  spin_unlock(&s->a);
  return 0;
}

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

int op(struct s* s) {
  spin_lock(&s->a);
  if (s->n < 0) {
#ifdef PATCHED
    spin_unlock(&s->a);
#endif
    return -22;
  }
  s->b += 3;
  spin_unlock(&s->a);
  return 0;
}

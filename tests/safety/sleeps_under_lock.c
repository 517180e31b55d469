// SPDX-License-Identifier: GPL-2.0-or-later
// TARGET: linux
// EXPECT-CHANGED: op
// EXPECT-WARN: HP028-sleeps
// SOURCES: yes
struct s {
  int a;
  int b;
  int n;
};
extern void spin_lock(int* lock);
extern void spin_unlock(int* lock);

extern void msleep(unsigned ms);
void op(struct s* s) {
  spin_lock(&s->a);
  s->n += 2;
#ifdef PATCHED
  if (s->n > 100) msleep(1);
#endif
  spin_unlock(&s->a);
}

// SPDX-License-Identifier: GPL-2.0-or-later
// TARGET: linux
// EXPECT-REJECT: HP023-lock
// SOURCES: yes
struct s {
  int a;
  int b;
  int n;
};
extern void spin_lock(int* lock);
extern void spin_unlock(int* lock);

void first(struct s* s) {
#ifdef ORIGINAL
  spin_lock(&s->a);
#endif
  s->n += 2;
#ifdef ORIGINAL
  spin_unlock(&s->a);
#endif
}

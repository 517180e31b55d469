// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-CHANGED: first
// EXPECT-NOTE: HP023-lock
// SOURCES: yes
#pragma GCC visibility push(hidden)
struct s {
  int a;
  int b;
  int n;
};
extern void spin_lock(int* lock);
extern void spin_unlock(int* lock);

void first(struct s* s) {
#ifdef PATCHED
  spin_lock(&s->b);
  s->n += 2;
  spin_unlock(&s->b);
#else
  spin_lock(&s->a);
  s->n += 2;
  spin_unlock(&s->a);
#endif
}

// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-REJECT: HP022-order
// SOURCES: yes
#pragma GCC visibility push(hidden)
struct s {
  int a;
  int b;
  int n;
};
extern void spin_lock(int* lock);
extern void spin_unlock(int* lock);

void upd(struct s* s) {
#ifdef PATCHED
  spin_lock(&s->b);
  spin_lock(&s->a);
#else
  spin_lock(&s->a);
  spin_lock(&s->b);
#endif
  s->n += 2;
  spin_unlock(&s->a);
  spin_unlock(&s->b);
}

void upd2(struct s* s) {
  spin_lock(&s->a);
  spin_lock(&s->b);
  s->n += 3;
  spin_unlock(&s->b);
  spin_unlock(&s->a);
}

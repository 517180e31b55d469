// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-CHANGED: op fini
// EXPECT-NOTE: HP021-balance
// SOURCES: yes
#pragma GCC visibility push(hidden)
struct s {
  int a;
  int b;
  int n;
};
extern void spin_lock(int* lock);
extern void spin_unlock(int* lock);

__attribute__((noinline)) static void init(struct s* s) {
  spin_lock(&s->a);
  s->n = 1;
}
__attribute__((noinline)) static void fini(struct s* s) {
  s->n = 0;
#ifdef ORIGINAL
  spin_unlock(&s->a);
#endif
}
void op(struct s* s) {
  init(s);
  s->b += 3;
  fini(s);
#ifdef PATCHED
  spin_unlock(&s->a);
#endif
}

// SPDX-License-Identifier: GPL-2.0-or-later
// TARGET: linux
// EXPECT-CHANGED: op
// EXPECT-NEW: locked
// EXPECT-CLASS: A
// SOURCES: yes
struct s {
  int a;
  int b;
  int n;
};
extern void spin_lock(int* lock);
extern void spin_unlock(int* lock);

#ifdef PATCHED
__attribute__((noinline, noclone)) void locked(struct s* it, int by) { it->n += by; }
#endif
void op(struct s* s) {
  spin_lock(&s->a);
#ifdef PATCHED
  locked(s, 2);
#else
  s->n += 2;
#endif
  spin_unlock(&s->a);
}

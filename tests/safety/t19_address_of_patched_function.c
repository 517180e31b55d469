// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-CHANGED: arm expire
// EXPECT-LEAVES: nothing
#pragma GCC visibility push(hidden)
struct timer {
  void (*fn)(int);
  int x;
};
extern int fired;
void expire(int x) {
#ifdef PATCHED
  if (x < 0) return;
#endif
  fired += x;
}
void arm(struct timer* t, int x) {
#ifdef PATCHED
  if (x == 0) return;
#endif
  t->fn = expire;
  t->x = x;
}

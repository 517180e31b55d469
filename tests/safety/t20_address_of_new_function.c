// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-CHANGED: arm
// EXPECT-NEW: expire2
// EXPECT-WARN: HP041-new-function-pointer
// EXPECT-PINNED: expire2
#pragma GCC visibility push(hidden)
struct timer {
  void (*fn)(int);
  int x;
};
extern int fired;
void expire(int x) { fired += x; }
#ifdef PATCHED
static void expire2(int x) { fired += x > 0; }
#endif
void arm(struct timer* t, int x) {
#ifdef PATCHED
  t->fn = expire2;
#else
  t->fn = expire;
#endif
  t->x = x;
}

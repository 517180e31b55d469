// SPDX-License-Identifier: GPL-2.0-or-later
// Without sections of their own, a call of a static function has no relocation: where it leads is told by the symbol there, not by the
// distance, which changes when something else is put between.
// FLAGS: -fno-function-sections
// EXPECT-CHANGED: first
extern int sink(int);
static __attribute__((noinline)) int target(int x) { return sink(x) * 3 + 1; }
int first(int x) {
#ifdef PATCHED
  sink(x + 7);
  sink(x + 9);
#endif
  return sink(x);
}
int caller(int x) { return target(x) + target(x + 5); }

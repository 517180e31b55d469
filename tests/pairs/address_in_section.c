// SPDX-License-Identifier: GPL-2.0-or-later
// Without sections of their own, the address of a neighbour is a distance without a relocation, which changes when something is put
// between the two.
// FLAGS: -fno-function-sections
// EXPECT-CHANGED: between
extern int sink(int), call(int (*)(int));
static __attribute__((noinline)) int target(int x) { return sink(x) * 3 + 1; }
int between(int x) {
#ifdef PATCHED
  sink(x + 7);
  sink(x + 9);
#endif
  return sink(x);
}
int caller(void) { return call(target) + 1; }

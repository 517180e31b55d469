// SPDX-License-Identifier: GPL-2.0-or-later
// Without -ffunction-sections, calls between the functions of a unit have no relocations. A function that moves is not one that changes,
// and what is taken along calls what it called.
// FLAGS: -fno-function-sections -fno-toplevel-reorder
// EXPECT-CHANGED: f
// EXPECT-TAKES: f
// EXPECT-LEAVES: helper g
// ONLY: gcc
int state;
static __attribute__((noinline)) int helper(int x) {
  state += x;
  return state * 3;
}
int f(int x) {
#ifdef PATCHED
  if (x < 0) return helper(-x) + 5;
#endif
  return helper(x) + 1;
}
int g(int x) { return helper(x) + 2; }

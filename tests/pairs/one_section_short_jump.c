// SPDX-License-Identifier: GPL-2.0-or-later
// Without -ffunction-sections, a short jump to a neighbour cannot be taken along: refused, and said.
// FLAGS: -fno-function-sections -fno-toplevel-reorder
// EXPECT-REJECT: HP034-tied
// ONLY: gcc
int state;
static __attribute__((noinline)) int helper(int x) {
  state += x;
  return state * 3;
}
int f(int x) {
#ifdef PATCHED
  if (x < 0) return helper(-x);
#endif
  return helper(x) + 1;
}
int g(int x) { return helper(x) + 2; }

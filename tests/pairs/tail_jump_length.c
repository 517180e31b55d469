// SPDX-License-Identifier: GPL-2.0-or-later
// A tail jump to a neighbour is a byte's displacement without a relocation; to a function with a section of its own it is four bytes and
// a relocation. Where it leads to the same function, the same code runs.
// FLAGS: -fno-function-sections -fno-toplevel-reorder -fno-ipa-icf
// EXPECT-SAME
// ONLY: gcc
#ifdef PATCHED
#define APART __attribute__((section(".text.apart")))
#else
#define APART
#endif
int state;
static APART __attribute__((noinline, noipa)) int helper(int x) {
  state += x;
  return state * 3;
}
int f(int x) { return helper(x + 1); }
int g(int x) { return x > 5 ? helper(x + 2) : state; }

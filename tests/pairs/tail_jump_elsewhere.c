// SPDX-License-Identifier: GPL-2.0-or-later
// A tail jump of another length is another jump if it leads elsewhere.
// FLAGS: -fno-function-sections -fno-toplevel-reorder -fno-ipa-icf
// EXPECT-CHANGED: f
// ONLY: gcc
#ifdef PATCHED
#define APART __attribute__((section(".text.apart")))
#define CALLED other
#else
#define APART
#define CALLED helper
#endif
int state;
APART __attribute__((noinline, noipa)) int helper(int x) {
  state += x;
  return state * 3;
}
APART __attribute__((noinline, noipa)) int other(int x) {
  state += x;
  return state * 5;
}
int f(int x) { return CALLED(x + 1); }

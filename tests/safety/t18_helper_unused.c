// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-CHANGED: f
// EXPECT-REMOVED: helper
// EXPECT-NOTE: HP054-removed
#pragma GCC visibility push(hidden)
#ifdef ORIGINAL
static __attribute__((noinline)) int helper(int x) { return x * x + 3; }
#endif
int f(int x) {
#ifdef ORIGINAL
  return helper(x);
#else
  return x + 1;
#endif
}

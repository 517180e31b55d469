// SPDX-License-Identifier: GPL-2.0-or-later
// A function with a static variable is inlined into others by the patch: the variable stays the same, as the debugging information tells
// where it was declared.
// EXPECT-CHANGED: first
// EXPECT-REMOVED: helper
// EXPECT-LEAVES: state.0 state.1 state.2 helper.state
extern int sink(int);
#ifdef PATCHED
static inline __attribute__((always_inline))
#else
static __attribute__((noinline))
#endif
int helper(int x) {
  static int state;
  return sink(state += x);
}
int first(int x) { return helper(x) + 1; }

// SPDX-License-Identifier: GPL-2.0-or-later
// A new static before the others renumbers them all; they stay what they are.
// EXPECT-CHANGED: early
// EXPECT-NEW: state.1
// EXPECT-LEAVES: late
// CLANG-EXPECT-CHANGED: early
// CLANG-EXPECT-NEW: early.state
// CLANG-EXPECT-LEAVES: late
extern int sink(int);
int early(int x) {
#ifdef PATCHED
  static int state;
  if (x) return sink(++state);
#endif
  return sink(x);
}
int late(int x) { static int state; return sink(state ^= x); }

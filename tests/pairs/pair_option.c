// SPDX-License-Identifier: GPL-2.0-or-later
// Two statics of one name trade places in a function that changes everywhere: which is which cannot be told, and the user says it.
// OPTIONS: --pair state.0=state.1 --pair state.1=state.0
// CLANG-OPTIONS: --pair f.state=f.state.1 --pair f.state.1=f.state
// EXPECT-CHANGED: f
extern int sink(int), drain(int);
int f(int x) {
#ifdef PATCHED
  { static int state; x += drain(state += x + 5); }
  { static int state; x ^= drain(state = (state ^ x) - 9); }
#else
  { static int state; if (x) sink(++state); }
  { static int state; if (!x) sink(--state); }
#endif
  return x;
}

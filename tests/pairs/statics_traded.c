// SPDX-License-Identifier: GPL-2.0-or-later
// Two statics of one name in one function: the order of their uses is turned, so the compiler numbers them the other way round. They are
// told apart by their initial values and uses.
// EXPECT-CHANGED: f
// EXPECT-LEAVES: state.0 state.1 f.state f.state.1
extern int sink(int), drain(int);
int f(int x) {
#ifdef PATCHED
  { static int state = 40; x -= drain(state -= x); }
  { static int state = 3; x += sink(state += x); }
#else
  { static int state = 3; x += sink(state += x); }
  { static int state = 40; x -= drain(state -= x); }
#endif
  return x;
}

// SPDX-License-Identifier: GPL-2.0-or-later
// Two statics of one name whose uses change their order stay with their functions' code.
// EXPECT-CHANGED: caller
extern int sink(int);
int first(void) { static int state = 3; return sink(state += 2); }
int second(void) { static int state = 3; return sink(state *= 5); }
int caller(int x) {
#ifdef PATCHED
  static int state = 3;
  return sink(x) + (state -= 9) + 1;
#else
  static int state = 3;
  return sink(x) + (state -= 9);
#endif
}

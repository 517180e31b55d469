// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-CHANGED: check caller
#pragma GCC visibility push(hidden)
extern int seen;
__attribute__((noinline)) static int check(int x) {
#ifdef PATCHED
  ++seen;
#endif
  return x > 3 && x < 100;
}
int caller(int x) { return check(x) + check(x); }

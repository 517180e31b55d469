// SPDX-License-Identifier: GPL-2.0-or-later
// A caller that moves from one clone to another changes, though the two have one stem.
// FLAGS: -O2 -fipa-cp -fipa-cp-clone -fno-inline
// EXPECT-CHANGED: pick
// ONLY: gcc
extern int sink(int);
__attribute__((noinline)) int one(int x) { return sink(x * 3); }
__attribute__((noinline)) int two(int x) { return sink(x * 5); }
int pick(int x) {
#ifdef PATCHED
  return two(x);
#else
  return one(x);
#endif
}

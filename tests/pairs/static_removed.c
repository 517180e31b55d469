// SPDX-License-Identifier: GPL-2.0-or-later
// The last use of a static goes away: nothing is wrong with that.
// EXPECT-CHANGED: f
// EXPECT-REMOVED: hits.0
// CLANG-EXPECT-CHANGED: f
// CLANG-EXPECT-REMOVED: f.hits
int f(int x) {
#ifdef PATCHED
  return x;
#else
  static int hits;
  return x + ++hits;
#endif
}

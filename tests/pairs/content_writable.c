// SPDX-License-Identifier: GPL-2.0-or-later
// A rate limit becomes constant: the same bytes, and writing them is fatal. Of each use there is a copy, so nobody else is concerned.
// TARGET: linux
// EXPECT-CHANGED: f
// EXPECT-TAKES: f
#ifdef PATCHED
#define KIND const
#else
#define KIND
#endif
extern int limited(const void*);
int f(int x) {
  static KIND int _rs[2] = {5, 10};
  return limited(_rs) ? x : 0;
}
int g(int x) {
  static int _rs[2] = {5, 10};
  return limited(_rs) ? x : 1;
}

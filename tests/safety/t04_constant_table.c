// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-CHANGED: f1 f2 limits
// EXPECT-TAKES: limits f1 f2
#pragma GCC visibility push(hidden)
#ifdef PATCHED
static const int limits[3] = {10, 20, 44};
#else
static const int limits[3] = {10, 20, 40};
#endif
int f1(int i, int x) {
#ifdef PATCHED
  if (i > 2) return 0;
#endif
  return x < limits[i];
}
int f2(int i) { return limits[i] / 2; }

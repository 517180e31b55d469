// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-CHANGED: f
#pragma GCC visibility push(hidden)
#ifdef PATCHED
static int hits;
#endif
int f(int x) {
#ifdef ORIGINAL
  static int hits;
#else
  if (x < 0) return -1;
#endif
  ++hits;
  return x + hits;
}

// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-REJECT: HP047-state-split
#pragma GCC visibility push(hidden)
__attribute__((noinline)) int f(int x) {
#ifdef ORIGINAL
  static int hits;
  ++hits;
  return x + hits;
#else
  return x + 1;
#endif
}
__attribute__((noinline)) int g(int x) {
#ifdef PATCHED
  static int hits;
  ++hits;
  return x - hits;
#else
  return x - 1;
#endif
}

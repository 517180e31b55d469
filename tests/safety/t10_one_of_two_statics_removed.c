// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-REJECT: HP047-state-split
#pragma GCC visibility push(hidden)
__attribute__((noinline)) int f(int x) {
  static int cnt;
  cnt += x;
  return cnt * 3;
}
__attribute__((noinline)) int g(int x) {
#ifdef ORIGINAL
  static int cnt;
  cnt -= x;
  return cnt * 5;
#else
  return x * 5;
#endif
}

// SPDX-License-Identifier: GPL-2.0-or-later
// TARGET: linux
// EXPECT-REJECT: HP030-untraceable
__attribute__((no_instrument_function)) int f(int x) {
#ifdef PATCHED
  if (x < 0) return 0;
#endif
  return x * 3;
}
int g(int x) { return f(x) + 1; }

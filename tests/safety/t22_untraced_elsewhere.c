// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-CHANGED: f
#pragma GCC visibility push(hidden)
__attribute__((no_instrument_function)) int f(int x) {
#ifdef PATCHED
  if (x < 0) return 0;
#endif
  return x * 3;
}

// SPDX-License-Identifier: GPL-2.0-or-later
// A function that the tracer does not see cannot be redirected.
// TARGET: linux
// EXPECT-REJECT: HP030-untraceable
__attribute__((no_instrument_function)) int f(int x) {
#ifdef PATCHED
  return x + 2;
#else
  return x + 1;
#endif
}

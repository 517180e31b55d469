// SPDX-License-Identifier: GPL-2.0-or-later
// Who calls a function by its address is not known.
// TARGET: linux
// EXPECT-REJECT: HP030-untraceable
// EXPECT-SAYS: its address is taken
static __attribute__((no_instrument_function, noinline)) int f(int x) {
#ifdef PATCHED
  return x + 2;
#else
  return x + 1;
#endif
}
int (*const table[])(int) = {f};
int g(int x) { return f(x) + 7; }

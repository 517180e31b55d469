// SPDX-License-Identifier: GPL-2.0-or-later
// ONLY: gcc
// EXPECT-REJECT: HP00A-unexamined
// SOURCES: yes
#pragma GCC visibility push(hidden)
// GCC has functions inside of functions, clang does not.
int f(int x) {
  int inner(int y) { return y + x; }
#ifdef PATCHED
  if (x < 0) return 0;
#endif
  return inner(x) * 3;
}

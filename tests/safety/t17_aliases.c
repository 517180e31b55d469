// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-CHANGED: other
#pragma GCC visibility push(hidden)
int real(int x) {
#ifdef PATCHED
  if (x < 0) return 0;
#endif
  return x * 3;
}
extern int other(int x) __attribute__((alias("real")));
extern int weak_one(int x) __attribute__((weak, alias("real")));

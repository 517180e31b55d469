// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-CHANGED: f
#pragma GCC visibility push(hidden)
extern int a(int), b(int), c(int), d(int), e(int), z(int);
int f(int x, int y) {
  switch (x) {
    case 0: return a(y);
    case 1: return b(y);
    case 2: return c(y);
    case 3: return d(y);
    case 4: return e(y);
    case 5: return a(y + 1);
#ifdef PATCHED
    case 6: return z(y);
#endif
  }
  return 0;
}

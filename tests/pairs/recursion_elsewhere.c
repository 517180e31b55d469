// SPDX-License-Identifier: GPL-2.0-or-later
// A recursive function becomes global, and one of its calls leads to another function.
// EXPECT-CHANGED: self
#ifdef PATCHED
#define SCOPE
#define NEXT(x) leaf(x)
#else
#define SCOPE static
#define NEXT(x) self(x)
#endif
extern int leaf(int);
SCOPE __attribute__((noinline, used)) int self(int x) {
  if (x > 10) return self(x - 1) + NEXT(leaf(x)) * 3;
  return x + 2;
}
int user(int x) { return self(x) + 1; }

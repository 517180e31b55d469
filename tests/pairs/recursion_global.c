// SPDX-License-Identifier: GPL-2.0-or-later
// A recursive function becomes global: it calls itself by a relocation from then on, and did by a distance before.
// EXPECT-SAME
#ifdef PATCHED
#define SCOPE
#else
#define SCOPE static
#endif
extern int leaf(int);
SCOPE __attribute__((noinline, used)) int self(int x) {
  if (x > 10) return self(x - 1) + self(leaf(x)) * 3;
  return x + 2;
}
int user(int x) { return self(x) + 1; }

// SPDX-License-Identifier: GPL-2.0-or-later
// A caller that moves from one clone of a function to another of the same stem changes.
// ONLY: gcc
// FLAGS: -O3 -fno-inline
// EXPECT-CHANGED: pick
extern int sink(int);
static __attribute__((noinline)) int work(int x, int kind) {
  for (int i = 0; i < x; i++) {
    if (kind == 1) x += sink(i * 3);
    if (kind == 2) x -= sink(i ^ 5) + sink(x);
    if (kind == 3) x ^= sink(i + x);
  }
  return x;
}
int one(int x) { return work(x, 1); }
int two(int x) { return work(x, 2); }
int three(int x, int kind) { return work(x, kind); }
int pick(int x) {
#ifdef PATCHED
  return work(x + 9, 2);
#else
  return work(x + 9, 1);
#endif
}

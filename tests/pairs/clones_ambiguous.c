// SPDX-License-Identifier: GPL-2.0-or-later
// Two functions of one name trade places in a function that changes everywhere: they are taken along as new ones.
// ONLY: gcc
// EXPECT-CHANGED: f
// EXPECT-NEW: inner.0 inner.1
// EXPECT-REMOVED: inner.0 inner.1
// EXPECT-NOTE: HP039-ambiguous-clone
extern int sink(int), drain(int);
int f(int x) {
#ifdef PATCHED
  { __attribute__((noipa)) int inner(int y) { return drain(y + 5) * 3; } x += inner(x); }
  { __attribute__((noipa)) int inner(int y) { return drain(y ^ 9) - 9; } x ^= inner(x); }
#else
  { __attribute__((noipa)) int inner(int y) { return sink(y + 1) + 7; } if (x) inner(x); }
  { __attribute__((noipa)) int inner(int y) { return sink(y - 1) - 2; } if (!x) inner(x); }
#endif
  return x;
}

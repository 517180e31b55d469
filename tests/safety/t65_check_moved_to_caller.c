// SPDX-License-Identifier: GPL-2.0-or-later
// A check moves from a function to its caller: an old caller of the new function would not check at all.
// TARGET: linux
// EXPECT-CHANGED: inner outer
// EXPECT-WARN: HP02C-moved
// EXPECT-MODEL: patched-set thread
// EXPECT-CLASS: B
// SOURCES: yes
extern int allowed(int x);
extern int n;
__attribute__((noinline)) int inner(int x) {
#ifndef PATCHED
  if (!allowed(x)) return -1;
#endif
  n += x;
  return 0;
}
int outer(int x) {
#ifdef PATCHED
  if (!allowed(x)) return -1;
#endif
  return inner(x);
}

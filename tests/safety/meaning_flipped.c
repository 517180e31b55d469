// SPDX-License-Identifier: GPL-2.0-or-later
// True becomes false, and the caller knows: an old caller of the new function would not.
// TARGET: linux
// EXPECT-CHANGED: is_allowed user
// EXPECT-WARN: HP05C-meaning
// EXPECT-MODEL: patched-set thread
// EXPECT-CLASS: B
// SOURCES: yes
extern int n;
__attribute__((noinline)) int is_allowed(int x) {
#ifdef PATCHED
  return x > 5 ? 0 : 1;
#else
  return x > 5 ? 1 : 0;
#endif
}
int user(int x) {
#ifdef PATCHED
  if (!is_allowed(x)) n++;
#else
  if (is_allowed(x)) n++;
#endif
  return n;
}

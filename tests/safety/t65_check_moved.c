// SPDX-License-Identifier: GPL-2.0-or-later
// TARGET: linux
// EXPECT-CHANGED: f g
// EXPECT-WARN: HP02C-moved
// EXPECT-MODEL: patched-set thread
// EXPECT-ANCHOR: h
// SOURCES: yes
extern int allowed(void);
extern int x, y;
__attribute__((noinline)) int f(int i) {
#ifdef ORIGINAL
  if (!allowed()) return -1;
#endif
  return x += i;
}
__attribute__((noinline)) int g(int i) {
#ifdef PATCHED
  if (!allowed()) return -1;
#endif
  return y += i;
}
int h(int i) {
  int rc = f(i);
  return rc < 0 ? rc : g(i);
}

// SPDX-License-Identifier: GPL-2.0-or-later
// The address of a changed function is that of the old entry; a call goes to the new body.
// EXPECT-CHANGED: handler install
// EXPECT-TAKES: handler install
extern void keep(int (*)(int));
__attribute__((noinline)) int handler(int x) {
#ifdef PATCHED
  return x + 2;
#else
  return x + 1;
#endif
}
int install(int x) {
  keep(handler);
#ifdef PATCHED
  return handler(x) + 1;
#else
  return handler(x);
#endif
}

// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-REJECT: HP050-init
#pragma GCC visibility push(hidden)
int level;
__attribute__((section(".init.text"), used)) static int setup(void) {
#ifdef PATCHED
  level = 4;
#else
  level = 3;
#endif
  return 0;
}
int get(int x) {
#ifdef PATCHED
  if (x < 0) return 0;
#endif
  return level + x;
}

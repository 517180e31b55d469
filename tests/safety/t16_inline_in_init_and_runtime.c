// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-REJECT: HP050-init
#pragma GCC visibility push(hidden)
int level;
static inline __attribute__((always_inline)) int clamp(int x) {
#ifdef PATCHED
  return x > 7 ? 7 : x;
#else
  return x > 8 ? 8 : x;
#endif
}
__attribute__((section(".init.text"), used)) static int setup(int x) {
  level = clamp(x);
  return 0;
}
int set(int x) { return level = clamp(x + 1); }

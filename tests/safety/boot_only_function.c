// SPDX-License-Identifier: GPL-2.0-or-later
// What boot code alone calls has run, and will not run again.
// TARGET: linux
// EXPECT-REJECT: HP05A-only-at-boot
extern int n;
static __attribute__((noinline)) int helper(int x) {
#ifdef PATCHED
  if (x < 0) return 0;
#endif
  return n += x;
}
int __attribute__((section(".init.text"))) boot(int x) { return helper(x); }

// SPDX-License-Identifier: GPL-2.0-or-later
// A function that runs now calls, with the patch, what is there at boot only; that is the same in both objects.
// EXPECT-REJECT: HP051-reaches-boot-only
extern int sink(int);
static __attribute__((noinline, section(".init.text"))) int helper(int x) { return sink(x) * 3 + 1; }
int __attribute__((section(".init.text"))) boot(int x) { return helper(x) + 1; }
int f(int x) {
#ifdef PATCHED
  if (x < 0) return helper(x);
#endif
  return sink(x);
}

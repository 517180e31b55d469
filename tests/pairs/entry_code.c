// SPDX-License-Identifier: GPL-2.0-or-later
// What the hardware enters is in a section of its own: a jump over its first bytes would be executed in the middle of an interrupt.
// EXPECT-REJECT: HP033-entry-code
extern int sink(int);
int __attribute__((section(".text.entry"))) entry(int x) {
#ifdef PATCHED
  if (x < 0) return 0;
#endif
  return sink(x);
}

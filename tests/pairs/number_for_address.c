// SPDX-License-Identifier: GPL-2.0-or-later
// Where the original has an address, the patched code has a number.
// EXPECT-CHANGED: f
// EXPECT-LEAVES: state
extern int state[];
int f(void) {
  int value;
#ifdef PATCHED
  asm volatile("mov $0, %0" : "=r"(value));
#else
  asm volatile("mov $state, %0" : "=r"(value));
#endif
  return value;
}

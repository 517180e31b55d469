// SPDX-License-Identifier: GPL-2.0-or-later
// Only where a jump leads differs.
// EXPECT-CHANGED: f
#ifdef PATCHED
#define TARGET "2f"
#else
#define TARGET "1f"
#endif
int f(int x) {
  asm volatile("test %0, %0\nje " TARGET "\nadd $7, %0\n1: add $9, %0\n2:" : "+r"(x));
  return x;
}

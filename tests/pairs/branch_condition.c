// SPDX-License-Identifier: GPL-2.0-or-later
// Only the condition of a jump differs.
// EXPECT-CHANGED: f
#ifdef PATCHED
#define JUMP "jne"
#else
#define JUMP "je"
#endif
int f(int x) {
  asm volatile("test %0, %0\n" JUMP " 1f\nadd $7, %0\n1:" : "+r"(x));
  return x;
}

// SPDX-License-Identifier: GPL-2.0-or-later
// The same jump, in its short and in its long form: no change of what runs.
// EXPECT-SAME
#ifdef PATCHED
#define JUMP "jmp 1f"
#else
#define JUMP ".byte 0xe9\n.long 1f - 2f\n2:"
#endif
int f(int x) {
  asm volatile(JUMP "\nadd $7, %0\n1:" : "+r"(x));
  return x;
}

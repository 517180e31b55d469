// SPDX-License-Identifier: GPL-2.0-or-later
// An exception entry continues at another instruction of the function.
// TARGET: linux
// EXPECT-CHANGED: g
#ifdef PATCHED
#define RESUMES "4b"
#else
#define RESUMES "3b"
#endif
int g(int* x) {
  int value;
  asm volatile("1: mov %1, %0\n2: add $1, %0\n3: add $2, %0\n4:\n.pushsection __ex_table, \"a\"\n.long 1b - .\n.long " RESUMES " - .\n"
               ".long 3\n.popsection" : "=r"(value) : "m"(*x));
  return value;
}

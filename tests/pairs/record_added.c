// SPDX-License-Identifier: GPL-2.0-or-later
// The same code has one exception entry more; another function's entry is for another instruction.
// TARGET: linux
// EXPECT-CHANGED: f g
// EXPECT-LEAVES: h
#ifdef PATCHED
#define ENTRY ".pushsection __ex_table, \"a\"\n.long 1b - .\n.long 2b - .\n.long 3\n.popsection"
#define FAULTS "2b"
#else
#define ENTRY ""
#define FAULTS "1b"
#endif
int f(int* x) {
  int value;
  asm volatile("1: mov %1, %0\n2:\n" ENTRY : "=r"(value) : "m"(*x));
  return value;
}
int g(int* x) {
  int value;
  asm volatile("1: mov %1, %0\n2: add $1, %0\n3:\n.pushsection __ex_table, \"a\"\n.long " FAULTS " - .\n.long 3b - .\n.long 3\n.popsection"
               : "=r"(value) : "m"(*x));
  return value;
}
int h(int x) { return x + 2; }

// SPDX-License-Identifier: GPL-2.0-or-later
// Only the type of an exception entry differs.
// TARGET: linux
// EXPECT-CHANGED: f
// EXPECT-TAKES: __ex_table
#ifdef PATCHED
#define TYPE 4
#else
#define TYPE 3
#endif
int f(int* x) {
  int value;
  asm volatile("1: mov %1, %0\n2:\n.pushsection __ex_table, \"a\"\n.balign 4\n.long 1b - .\n.long 2b - .\n.long %c2\n.popsection"
               : "=r"(value) : "m"(*x), "i"(TYPE));
  return value;
}

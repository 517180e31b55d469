// SPDX-License-Identifier: GPL-2.0-or-later
// An exception entry for an instruction inside of a replacement is the function's, and travels with it (records of 12 bytes).
// TARGET: linux
// EXPECT-CHANGED: f
// EXPECT-TAKES: f .altinstructions __ex_table
// EXPECT-LEAVES: g
#ifdef PATCHED
#define TYPE 5
#else
#define TYPE 3
#endif
#define LOAD(type)                                                                                                           \
  asm volatile("1: .byte 0x0f,0x1f,0x40,0x00\n3:\n.pushsection .altinstructions, \"a\"\n.long 1b - .\n.long 2f - .\n"               \
               ".2byte 9\n.byte 4, 4\n.popsection\n"                                                                              \
               ".pushsection .altinstr_replacement, \"ax\"\n2: mov 1(%%rdi), %%al\nnop\n4:\n.popsection\n"                        \
               ".pushsection __ex_table, \"a\"\n.long 2b - .\n.long 3b - .\n.long %c0\n.popsection" ::"i"(type) : "eax")
int f(int* x) {
  LOAD(TYPE);
  return *x;
}
int g(int* x) {
  LOAD(3);
  return *x + 1;
}

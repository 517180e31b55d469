// SPDX-License-Identifier: GPL-2.0-or-later
// A table in a format that no row describes is refused, with the size that its references speak for.
// TARGET: linux
// EXPECT-ERROR: 20 would fit
int f(int x) {
  asm volatile("1: nop\n.pushsection .altinstructions, \"a\"\n.long 1b - .\n.long 2f - .\n.long 0,0,0\n.long 1b - .\n.long 2f - .\n"
               ".long 0,0,0\n.popsection\n.pushsection .altinstr_replacement, \"ax\"\n2: ret\n.popsection");
  return x;
}
int g(int x) { return f(x) + sizeof(int); }

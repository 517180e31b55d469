// SPDX-License-Identifier: GPL-2.0-or-later
// Only the replacement of an alternative differs.
// EXPECT-CHANGED: f
#ifdef PATCHED
#define LAST "0xcb"
#else
#define LAST "0xca"
#endif
int f(int x) {
  asm volatile("1: .byte 0x0f,0x1f,0x00\n.pushsection .altinstructions, \"a\"\n.long 1b - .\n.long 2f - .\n.word 9\n.byte 3, 3, 0, 0\n"
               ".popsection\n.pushsection .altinstr_replacement, \"ax\"\n2: .byte 0x0f,0x01," LAST "\n.popsection");
  return x;
}

// SPDX-License-Identifier: GPL-2.0-or-later
// Only the feature bit of an alternative differs (records of 14 bytes, as since 6.3).
// TARGET: linux
// EXPECT-CHANGED: f
// EXPECT-TAKES: .altinstructions
#ifdef PATCHED
#define FEATURE 7
#else
#define FEATURE 6
#endif
int f(int x) {
  asm volatile("1: .byte 0x0f,0x1f,0x00\n.pushsection .altinstructions, \"a\"\n.long 1b - .\n.long 2f - .\n.4byte %c0\n.byte 3, 3\n"
               ".popsection\n.pushsection .altinstr_replacement, \"ax\"\n2: .byte 0x0f,0x01,0xca\n.popsection" ::"i"(FEATURE));
  return x;
}

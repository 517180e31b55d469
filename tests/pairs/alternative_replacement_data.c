// SPDX-License-Identifier: GPL-2.0-or-later
// A replacement whose length ends amid what would decode as one instruction, with another behind it: only the second differs.
// EXPECT-CHANGED: g
// EXPECT-TAKES: .altinstructions
#ifdef PATCHED
#define LAST "0xcb"
#else
#define LAST "0xca"
#endif
#define ALTERNATIVE(bytes)                                                                                              \
  asm volatile("1: .byte 0x0f,0x1f,0x00\n.pushsection .altinstructions, \"a\"\n.long 1b - .\n.long 2f - .\n.word 6\n" \
               ".byte 3, 3, 0, 0\n.popsection\n.pushsection .altinstr_replacement, \"ax\"\n2: .byte " bytes "\n.popsection")
int f(int x) {
  ALTERNATIVE("0x0f,0x01,0x9c");  // sidt with a SIB byte and a displacement, which are not there
  return x;
}
int g(int x) {
  ALTERNATIVE("0x0f,0x01," LAST);
  return x;
}

// SPDX-License-Identifier: GPL-2.0-or-later
// The unwinder's two tables belong together: what one says of a place travels with what the other says of how to unwind there.
// TARGET: linux
// EXPECT-CHANGED: f
// EXPECT-TAKES: .orc_unwind_ip .orc_unwind
// EXPECT-LEAVES: g
#ifdef PATCHED
#define HINT "0x1234"
#else
#define HINT "0x1235"
#endif
int f(int x) {
  asm volatile("1: nop\n.pushsection .orc_unwind_ip, \"a\"\n.long 1b - .\n.popsection\n"
               ".pushsection .orc_unwind, \"a\"\n.2byte 8, 0, " HINT "\n.popsection");
  return x;
}
int g(int x) {
  asm volatile("1: nop\n.pushsection .orc_unwind_ip, \"a\"\n.long 1b - .\n.popsection\n"
               ".pushsection .orc_unwind, \"a\"\n.2byte 8, 0, 7\n.popsection");
  return x;
}

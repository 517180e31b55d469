// SPDX-License-Identifier: GPL-2.0-or-later
// The same with the absolute records of old kernels.
// TARGET: linux
// EXPECT-CHANGED: f
// EXPECT-TAKES: __jump_table
extern int first_key, second_key;
#ifdef PATCHED
#define KEY "second_key"
#else
#define KEY "first_key"
#endif
int f(int x) {
  asm goto("1: .byte 0x0f,0x1f,0x44,0x00,0x00\n.pushsection __jump_table, \"aw\"\n.balign 8\n.quad 1b\n.quad %l0\n"
           ".quad " KEY "\n.popsection" :::: hot);
  return x;
hot:
  return x * 3;
}

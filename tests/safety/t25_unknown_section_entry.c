// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-REJECT: HP061-unknown-section
#pragma GCC visibility push(hidden)
int f(int x) {
  asm volatile("1:\n\t.pushsection .my_table, \"a\"\n\t.quad 1b, 1\n\t.popsection");
#ifdef PATCHED
  asm volatile("2:\n\t.pushsection .my_table, \"a\"\n\t.quad 2b, 1\n\t.popsection");
#endif
  return x + 1;
}

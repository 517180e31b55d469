// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-REJECT: HP061-unknown-section
#pragma GCC visibility push(hidden)
#ifdef PATCHED
#define FLAG "2"
#else
#define FLAG "1"
#endif
int f(int x) {
  asm volatile("1:\n\t.pushsection .my_table, \"a\"\n\t.quad 1b, " FLAG "\n\t.popsection");
  return x + 1;
}

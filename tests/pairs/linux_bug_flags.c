// SPDX-License-Identifier: GPL-2.0-or-later
// The flags of a bug entry are part of what runs; its line is not.
// TARGET: linux
// EXPECT-CHANGED: f
// EXPECT-TAKES: __bug_table
// EXPECT-LEAVES: g
#ifdef PATCHED
#define FLAGS 0x901
#line 500
#else
#define FLAGS 0x907
#endif
#define WARN(flags)                                                                                                              \
  asm volatile("1: ud2\n.pushsection __bug_table, \"aw\"\n2: .long 1b - .\n.long %c0 - .\n.word %c1\n.word %c2\n.org 2b + 12\n.popsection" \
               ::"i"(__FILE__), "i"(__LINE__), "i"(flags))
int f(int x) {
  if (x) WARN(FLAGS);
  return x;
}
int g(int x) {
  if (x) WARN(0x907);
  return x + 1;
}

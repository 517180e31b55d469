// SPDX-License-Identifier: GPL-2.0-or-later
// Before 5.19 the displacements of a bug entry count from its start: the row is found, and the file's name is the whole one.
// TARGET: linux
// EXPECT-CHANGED: f
// EXPECT-TAKES: string~"file~of~the~warning"
#ifdef PATCHED
#define FLAGS 0x901
#else
#define FLAGS 0x907
#endif
int f(int x) {
  if (x)
    asm volatile("1: ud2\n.pushsection __bug_table, \"aw\"\n2: .long 1b - 2b, %c0 - 2b\n.word %c1, %c2\n.org 2b + 12\n.popsection"
                 ::"i"("file of the warning"), "i"(__LINE__), "i"(FLAGS));
  return x;
}

// SPDX-License-Identifier: GPL-2.0-or-later
// Only the fixup code behind an exception table entry differs.
// EXPECT-CHANGED: load
// EXPECT-TAKES: .ex_table
#ifdef PATCHED
#define VALUE "$-14"
#else
#define VALUE "$-1"
#endif
long load(long* p) {
  long error = 0, value;
  asm volatile("1: mov %2, %1\n2:\n.pushsection .fixup, \"ax\"\n3: mov " VALUE ", %0\njmp 2b\n.popsection\n"
               ".pushsection .ex_table, \"a\"\n.balign 4\n.long 1b - .\n.long 3b - .\n.popsection"
               : "+r"(error), "=r"(value) : "m"(*p));
  return error ? error : value;
}
long untouched(long* p) {
  long error = 0, value;
  asm volatile("1: mov %2, %1\n2:\n.pushsection .fixup, \"ax\"\n3: mov $-5, %0\njmp 2b\n.popsection\n"
               ".pushsection .ex_table, \"a\"\n.balign 4\n.long 1b - .\n.long 3b - .\n.popsection"
               : "+r"(error), "=r"(value) : "m"(*p));
  return error ? error : value;
}

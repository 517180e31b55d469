// SPDX-License-Identifier: GPL-2.0-or-later
// Warnings that hand the address of their own record over. Where only its line is another, nothing changes; the record that is taken along
// is the one that the code refers to, and no copy of its bytes.
// TARGET: linux
// EXPECT-CHANGED: f other_of_two
// EXPECT-TAKES: __bug_table
// EXPECT-LEAVES: __bug_table+0x0 __bug_table+0xc __bug_table+0x18 __bug_table+0x24
#ifdef PATCHED
#line 500
#endif
#define WARN(label, flags)                                                                                                        \
  asm volatile("1: ud2\n.pushsection __bug_table, \"aw\"\n" label ":\n2: .long 1b - .\n.long %c0 - .\n.word %c1\n.word %c2\n"      \
               ".org 2b + 12\n.popsection" ::"i"(__FILE__), "i"(__LINE__), "i"(flags))
#define RECORD(label) ({ void* record; asm("lea " label "(%%rip), %0" : "=r"(record)); record; })
extern void report(void*);
int f(int x) {
  if (x) {
    WARN("of_f", 0x907);
    report(RECORD("of_f"));
  }
#ifdef PATCHED
  return x + 3;
#else
  return x;
#endif
}
int lines_only(int x) {
  if (x) {
    WARN("of_lines_only", 0x907);
    report(RECORD("of_lines_only"));
  }
  return x + 1;
}
int other_of_two(int x) {
  WARN("first", 0x907);
  WARN("second", 0x907);
#ifdef PATCHED
  report(RECORD("second"));
#else
  report(RECORD("first"));
#endif
  return x + 2;
}

// SPDX-License-Identifier: GPL-2.0-or-later
// A changed function refers to the record of one that stays: a copy of it would be a record of nothing.
// TARGET: linux
// EXPECT-REJECT: HP034-tied
// EXPECT-SAYS: belongs to owner
#define WARN(label, flags)                                                                                                        \
  asm volatile("1: ud2\n.pushsection __bug_table, \"aw\"\n" label ":\n2: .long 1b - .\n.long %c0 - .\n.word %c1\n.word %c2\n"      \
               ".org 2b + 12\n.popsection" ::"i"(__FILE__), "i"(__LINE__), "i"(flags))
#define RECORD(label) ({ void* record; asm("lea " label "(%%rip), %0" : "=r"(record)); record; })
extern void report(void*);
int owner(int x) {
  if (x) WARN("of_owner", 0x907);
  return x + 1;
}
void user(int x) {
#ifdef PATCHED
  if (x) return;
#endif
  report(RECORD("of_owner"));
}

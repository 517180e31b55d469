// SPDX-License-Identifier: GPL-2.0-or-later
// A record whose flags change is another record to whoever refers to it, although the code is the same.
// TARGET: linux
// EXPECT-CHANGED: owner user
// EXPECT-TAKES: __bug_table
#ifdef PATCHED
#define FLAGS 0x901
#else
#define FLAGS 0x907
#endif
#define WARN(label, flags)                                                                                                        \
  asm volatile("1: ud2\n.pushsection __bug_table, \"aw\"\n" label ":\n2: .long 1b - .\n.long %c0 - .\n.word %c1\n.word %c2\n"      \
               ".org 2b + 12\n.popsection" ::"i"(__FILE__), "i"(__LINE__), "i"(flags))
#define RECORD(label) ({ void* record; asm("lea " label "(%%rip), %0" : "=r"(record)); record; })
extern void report(void*);
int owner(int x) {
  if (x) WARN("of_owner", FLAGS);
  return x + 1;
}
void user(void) { report(RECORD("of_owner")); }

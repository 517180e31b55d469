// SPDX-License-Identifier: GPL-2.0-or-later
// The initial value of a variable without a name changes: it has another by now.
// EXPECT-REJECT: HP005-data-initialiser
#ifdef PATCHED
#define VALUE "6"
#else
#define VALUE "5"
#endif
asm(".section .data.literals, \"aw\"\n.balign 8\n.Lone: .quad " VALUE "\n.previous");
extern long use(long*);
long f(long x) {
  long* place;
  asm("lea .Lone(%%rip), %0" : "=r"(place));
  return use(place) + x;
}

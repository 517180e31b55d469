// SPDX-License-Identifier: GPL-2.0-or-later
// An address right before a string, and one right behind it: which string is meant is told by the label, not by what lies there.
// EXPECT-CHANGED: before behind
#ifdef PATCHED
#define TEXT "another"
#else
#define TEXT "one text"
#endif
asm(".section .rodata.str1.1, \"aMS\", @progbits, 1\n.Lfirst: .string \"first\"\n.Lmeant: .string \"" TEXT "\"\n.previous");
extern int look(const char*);
int before(void) {
  const char* place;
  asm("lea .Lmeant-1(%%rip), %0" : "=r"(place));
  return look(place);
}
int behind(void) {
  const char* place;
  asm("lea .Lmeant+9(%%rip), %0" : "=r"(place));
  return look(place);
}
int first(void) {
  const char* place;
  asm("lea .Lfirst(%%rip), %0" : "=r"(place));
  return look(place);
}

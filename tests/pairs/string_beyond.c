// SPDX-License-Identifier: GPL-2.0-or-later
// An address four bytes behind a string's start, which is beyond its end: clang's relocation has no label and an addend of 0 from there.
// EXPECT-CHANGED: beyond
#ifdef PATCHED
#define TEXT "ba"
#else
#define TEXT "ab"
#endif
asm(".section .rodata.str1.1, \"aMS\", @progbits, 1\n.Lmeant: .string \"" TEXT "\"\n.Lnext: .string \"next\"\n.previous");
extern int look(const char*);
int beyond(void) {
  const char* place;
  asm("lea .Lmeant+4(%%rip), %0" : "=r"(place));
  return look(place);
}
int next(void) {
  const char* place;
  asm("lea .Lnext(%%rip), %0" : "=r"(place));
  return look(place);
}

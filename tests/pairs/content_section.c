// SPDX-License-Identifier: GPL-2.0-or-later
// The same text, once among the strings that the linker merges and once not: nothing that runs is another.
// EXPECT-SAME
#ifdef PATCHED
asm(".section .rodata\n.Ltext: .string \"a text of its own\"\n.previous");
#else
asm(".section .rodata.str1.1, \"aMS\", @progbits, 1\n.Ltext: .string \"a text of its own\"\n.previous");
#endif
extern void say(const char*);
void f(void) {
  const char* text;
  asm("lea .Ltext(%%rip), %0" : "=r"(text));
  say(text);
}

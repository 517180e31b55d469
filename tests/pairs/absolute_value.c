// SPDX-License-Identifier: GPL-2.0-or-later
// A symbol that is a number has another value, and nothing else differs: an assembler puts the number into the code, but clang's leaves a
// field that the global offset table fills to the linker.
// ONLY: clang
// EXPECT-REJECT: HP049-absolute
// EXPECT-CHANGED: f
#ifdef PATCHED
asm(".globl absolute_number\n.set absolute_number, 0x1234");
#else
asm(".globl absolute_number\n.set absolute_number, 0x1230");
#endif
extern char absolute_number[];
unsigned long f(void) { return (unsigned long)absolute_number; }
unsigned long g(unsigned long x) { return x + 1; }

// SPDX-License-Identifier: GPL-2.0-or-later
// A conditional jump to another function turns round, and gets a displacement of another length on the way.
// FLAGS: -fno-function-sections
// EXPECT-CHANGED: f
asm(".text\n.globl g\n.type g, @function\ng: ret\n.size g, .-g");
#ifdef PATCHED
asm(".globl f\n.type f, @function\nf: test %edi, %edi\n{disp32} je g\nret\n.size f, .-f");
#else
asm(".globl f\n.type f, @function\nf: test %edi, %edi\njne g\nret\n.size f, .-f");
#endif

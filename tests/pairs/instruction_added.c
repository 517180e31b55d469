// SPDX-License-Identifier: GPL-2.0-or-later
// Code that goes on where the original's ended.
// EXPECT-CHANGED: f
asm(".pushsection .text.f, \"ax\"\n.globl f\n.type f, @function\nf: lea 1(%rdi), %eax\n"
#ifdef PATCHED
    "jmp g\n"
#endif
    ".size f, . - f\n.popsection");

// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-REJECT: HP057-entry-target
#pragma GCC visibility push(hidden)
// The loop begins four bytes behind the entry.
asm(".section .text.f, \"ax\", @progbits\n"
    ".globl f\n"
    ".type f, @function\n"
    "f: nopl 0(%rax)\n"
    "1: add $3, %eax\n"
#ifdef PATCHED
    "add $1, %eax\n"
#endif
    "dec %edi\n"
    "jnz 1b\n"
    "ret\n"
    ".size f, . - f\n"
    ".text");
extern int f(int);
int call(int x) { return f(x); }

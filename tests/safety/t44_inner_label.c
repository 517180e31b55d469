// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-REJECT: HP056-inner-label
#pragma GCC visibility push(hidden)
// The entry of the function is known by a second name, a few bytes on.
asm(".section .text.f, \"ax\", @progbits\n"
    ".globl f\n"
    ".type f, @function\n"
    "f: nop\n"
    "nop\n"
    "f_inner: mov %edi, %eax\n"
#ifdef PATCHED
    "add $1, %eax\n"
#endif
    "add $2, %eax\n"
    "nop\n"
    "ret\n"
    ".size f, . - f\n"
    ".text");
extern int f(int);
int call(int x) { return f(x); }

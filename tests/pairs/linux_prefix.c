// SPDX-License-Identifier: GPL-2.0-or-later
// What stands before a function's entry (here the hash of its type) belongs to it.
// TARGET: linux
// EXPECT-CHANGED: f
// EXPECT-LEAVES: g
#ifdef PATCHED
#define HASH "0x12345678"
#else
#define HASH "0x12345679"
#endif
asm(".pushsection .text.f, \"ax\"\n.globl __cfi_f\n.type __cfi_f, @function\n__cfi_f: mov $" HASH ", %eax\n.size __cfi_f, . - __cfi_f\n"
    ".globl f\n.type f, @function\nf: call __fentry__\nlea 1(%rdi), %eax\nret\n.size f, . - f\n.popsection");
int g(int x) { return x + 2; }

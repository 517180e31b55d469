// SPDX-License-Identifier: GPL-2.0-or-later
// The code is the same; the patched call is one that Xen 4.21 makes a direct one at boot.
// EXPECT-CHANGED: f
// EXPECT-TAKES: .alt_call_sites
extern int (*hook)(int);
int f(int x) {
  asm volatile("1: call *hook(%%rip)\n"
#ifdef PATCHED
               ".pushsection .alt_call_sites, \"a\", @progbits\n.long 1b - .\n.popsection\n"
#endif
               : "+D"(x)::"rax", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "memory");
  return x;
}

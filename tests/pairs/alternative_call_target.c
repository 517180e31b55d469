// SPDX-License-Identifier: GPL-2.0-or-later
// An alternative call, as Xen 4.21 has them, goes through another pointer; the one of the function before it is not changed.
// EXPECT-CHANGED: f
// EXPECT-TAKES: .alt_call_sites
#ifdef PATCHED
#define HOOK "second_hook"
#else
#define HOOK "hook"
#endif
#define CALL(pointer, x) \
  asm volatile("1: call *" pointer "(%%rip)\n.pushsection .alt_call_sites, \"a\", @progbits\n.long 1b - .\n.popsection\n" \
               : "+D"(x)::"rax", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "memory")
int g(int x) {
  CALL("hook", x);
  return x;
}
int f(int x) {
  CALL(HOOK, x);
  return x;
}

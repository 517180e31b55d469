// SPDX-License-Identifier: GPL-2.0-or-later
// LEA with two registers and a displacement: its SIB byte looks like the ModRM byte of an address that counts from the next instruction,
// and is none.
// FLAGS: -fno-function-sections
// EXPECT-CHANGED: sum
extern long note(long);
long before(long a) { return note(a) * 3; }
long sum(long a, long b) {
  register long base asm("rbp") = note(a);
  register long other asm("rdx") = b;
  register long both asm("r12");
  asm volatile("leaq -7586(%%rbp,%%rdx), %0" : "=r"(both) : "r"(base), "r"(other));
#ifdef PATCHED
  if (a == 0) return 0;
#endif
  return note(both);
}

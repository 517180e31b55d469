// SPDX-License-Identifier: GPL-2.0-or-later
// Variables without a name (clang's compound literals, what instrumentation counts in) are state like any other: the patched code goes on
// with the running system's, and takes no copy of it.
// EXPECT-CHANGED: f
// EXPECT-LEAVES: .data.literals+0x0 .data.literals+0x8
asm(".section .data.literals, \"aw\"\n.balign 8\n.Lone: .quad 5\n.Ltwo: .quad 5\n.previous");
extern long use(long*);
static long* one(void) {
  long* place;
  asm("lea .Lone(%%rip), %0" : "=r"(place));
  return place;
}
static long* two(void) {
  long* place;
  asm("lea .Ltwo(%%rip), %0" : "=r"(place));
  return place;
}
long f(long x) {
#ifdef PATCHED
  if (x < 0) return use(one()) - 1;
#endif
  return use(one()) + x;
}
long g(long x) { return use(two()) * x; }

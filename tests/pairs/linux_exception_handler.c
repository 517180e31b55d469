// SPDX-License-Identifier: GPL-2.0-or-later
// Only the handler of an exception entry differs, which is a function in kernels before 5.16; the code behind is in .fixup.
// TARGET: linux
// EXPECT-CHANGED: f
// EXPECT-TAKES: __ex_table
// EXPECT-LEAVES: g
#ifdef PATCHED
#define HANDLER "handle_fault"
#else
#define HANDLER "handle_default"
#endif
#define LOAD(handler)                                                                                                          \
  asm volatile("1: mov %1, %0\n2:\n.pushsection .fixup, \"ax\"\n3: mov $-14, %0\njmp 2b\n.popsection\n"                            \
               ".pushsection __ex_table, \"a\"\n.balign 4\n.long 1b - .\n.long 3b - .\n.long " handler " - .\n.popsection"          \
               : "=r"(value) : "m"(*x))
int f(int* x) {
  int value;
  LOAD(HANDLER);
  return value;
}
int g(int* x) {
  int value;
  LOAD("handle_default");
  return value + 1;
}

// SPDX-License-Identifier: GPL-2.0-or-later
// A record gets a handler where it had none: a reference on one side only, over the same bytes.
// TARGET: linux
// EXPECT-CHANGED: f
#ifdef PATCHED
#define HANDLER "handle - ."
#else
#define HANDLER "0"
#endif
extern void handle(void);
int f(int* x) {
  int value;
  asm volatile("1: mov %1, %0\n2:\n.pushsection __ex_table, \"a\"\n.long 1b - .\n.long 2b - .\n.long " HANDLER "\n.popsection"
               : "=r"(value)
               : "m"(*x));
  return value;
}

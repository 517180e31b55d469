// SPDX-License-Identifier: GPL-2.0-or-later
// Before 4.6 an exception entry was of 8 bytes. Three of those have references where two of 12 bytes would have them.
// TARGET: linux
// EXPECT-CHANGED: h
// EXPECT-TAKES: h __ex_table
// EXPECT-LEAVES: f g
#define LOAD(x, number)                                                                                                     \
  ({                                                                                                                        \
    int error = 0, value;                                                                                                   \
    asm volatile("1: mov %2, %1\n2:\n.pushsection .fixup, \"ax\"\n3: mov $" number ", %0\njmp 2b\n.popsection\n"             \
                 ".pushsection __ex_table, \"a\"\n.balign 8\n.long 1b - .\n.long 3b - .\n.popsection"                        \
                 : "+r"(error), "=r"(value)                                                                                 \
                 : "m"(*(x)));                                                                                              \
    error ? error : value;                                                                                                  \
  })
int f(int* x) { return LOAD(x, "1"); }
int g(int* x) { return LOAD(x, "2") * 3; }
#ifdef PATCHED
int h(int* x) { return LOAD(x, "3") + 5; }
#else
int h(int* x) { return LOAD(x, "3") + 4; }
#endif

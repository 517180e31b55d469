// SPDX-License-Identifier: GPL-2.0-or-later
// Line numbers in a bug frame are not part of what runs.
// EXPECT-SAME
#ifdef PATCHED
#line 200
#endif
#define BUG()                                                                                       \
  do {                                                                                              \
    asm volatile("1: ud2\n.pushsection .bug_frames.2, \"a\"\n.p2align 2\n2: .long 1b - 2b + %c0\n"     \
                 ".long %c2 - 2b + %c1\n.popsection" ::"i"((__LINE__ >> 7) << 24), "i"((__LINE__ & 127) << 24), "i"(__FILE__)); \
    __builtin_unreachable();                                                                        \
  } while (0)
int f(int x) {
  if (x) BUG();
  return 0;
}

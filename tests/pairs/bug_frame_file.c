// SPDX-License-Identifier: GPL-2.0-or-later
// What a bug frame points to is compared.
// EXPECT-CHANGED: f
#ifdef PATCHED
#define NAME "patched.c"
#else
#define NAME "original.c"
#endif
int f(int x) {
  if (x) {
    asm volatile("1: ud2\n.pushsection .bug_frames.2, \"a\"\n.p2align 2\n2: .long 1b - 2b\n.long %c0 - 2b\n.popsection" ::"i"(NAME));
    __builtin_unreachable();
  }
  return 0;
}

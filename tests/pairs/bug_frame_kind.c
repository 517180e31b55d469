// SPDX-License-Identifier: GPL-2.0-or-later
// A warning becomes a bug: the record is the same but for the section that it is in.
// EXPECT-CHANGED: f
#ifdef PATCHED
#define KIND "2"
#else
#define KIND "1"
#endif
int f(int x) {
  if (x)
    asm volatile("1: ud2\n.pushsection .bug_frames." KIND ", \"a\"\n2: .long 1b - 2b\n.long %c0 - 2b\n.popsection" ::"i"("here"));
  return x;
}

// SPDX-License-Identifier: GPL-2.0-or-later
// A line is passed on to a function of more arguments than there are registers: the others are pushed between it and the call.
// TARGET: linux
// FLAGS: -g0
// EXPECT-SAME
// EXPECT-NOTE: HP068-line-only
extern void __ext4_error(void*, const char*, unsigned, _Bool, int, unsigned long, const char*, ...);
#ifdef PATCHED
#line 140 "unit.c"
#else
#line 100 "unit.c"
#endif
int fails(void* x, int first, const unsigned long* second) {
  if (first < 0) __ext4_error(x, "fails", __LINE__, 0, 0, 0, "group %d block %lu", first, second[3]);
  return second[2] == first;
}

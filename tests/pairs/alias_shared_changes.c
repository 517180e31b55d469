// SPDX-License-Identifier: GPL-2.0-or-later
// The first name of a place gets a body of its own: a jump at that place is for the callers of the other name as well.
// EXPECT-REJECT: HP035-alias
extern unsigned long counts[8];
unsigned long slow(unsigned long x) { return ++counts[x & 7] * 3; }
#ifdef PATCHED
unsigned long fast(unsigned long x) { return x > 5 ? 0 : counts[x & 7] + x * 5; }
#else
unsigned long fast(unsigned long) __attribute__((alias("slow")));
#endif

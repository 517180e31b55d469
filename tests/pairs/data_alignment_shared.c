// SPDX-License-Identifier: GPL-2.0-or-later
// As data_alignment.c, but the object does not say which variable of its section asks for the alignment.
// FLAGS: -fno-data-sections
// EXPECT-SAME
// EXPECT-WARN: HP012-alignment
static long other = 7;
long g(long x) { return other += x; }
#ifdef PATCHED
#define ALIGNED __attribute__((aligned(64)))
#else
#define ALIGNED
#endif
static long state ALIGNED = 3;
long f(long x) { return state += x; }

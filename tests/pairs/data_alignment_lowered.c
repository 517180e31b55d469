// SPDX-License-Identifier: GPL-2.0-or-later
// Live data that the patched source asks less alignment for: it keeps what it has.
// EXPECT-SAME
// EXPECT-NOTE: HP012-alignment
#ifdef PATCHED
#define ALIGNED
#else
#define ALIGNED __attribute__((aligned(64)))
#endif
static long state ALIGNED = 3;
long f(long x) { return state += x; }

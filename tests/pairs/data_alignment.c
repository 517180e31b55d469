// SPDX-License-Identifier: GPL-2.0-or-later
// Live data that the patched code takes for more aligned than it is.
// EXPECT-REJECT: HP012-alignment
// EXPECT-SAYS: is aligned to 8 bytes, and the patched code was compiled for 64
#ifdef PATCHED
#define ALIGNED __attribute__((aligned(64)))
#else
#define ALIGNED
#endif
static long state ALIGNED = 3;
long f(long x) { return state += x; }

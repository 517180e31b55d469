// SPDX-License-Identifier: GPL-2.0-or-later
// A constant that asks for more alignment than the running system's has is another constant: its users get a new one.
// EXPECT-CHANGED: f masks
// EXPECT-TAKES: masks
#ifdef PATCHED
#define ALIGNED __attribute__((aligned(64)))
#else
#define ALIGNED
#endif
static const long masks[3] ALIGNED = {3, 7, 0};
long f(unsigned x) { return masks[x]; }

// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-CHANGED: f1 limits
#pragma GCC visibility push(hidden)
#ifdef PATCHED
static const int limits[3] = {10, 20, 44};
#else
static const int limits[3] = {10, 20, 40};
#endif
int f1(int i, int x) { return x < limits[i]; }

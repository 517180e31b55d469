// SPDX-License-Identifier: GPL-2.0-or-later
// Macros number some names without a dot; they are renumbered like the compiler's.
// TARGET: linux
// EXPECT-SAME
#ifdef PATCHED
#define NAME __UNIQUE_ID_state31
#else
#define NAME __UNIQUE_ID_state17
#endif
static int NAME;
int f(int x) { return NAME += x; }

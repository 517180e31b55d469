// SPDX-License-Identifier: GPL-2.0-or-later
// TARGET: linux
// EXPECT-CHANGED: f g
#ifdef PATCHED
int f(void) { return 1; }
extern int x;
void g(void) { x = 1; }
#else
int f(void) { return 0; }
void g(void) {}
#endif

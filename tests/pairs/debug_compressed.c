// SPDX-License-Identifier: GPL-2.0-or-later
// Debugging information may be compressed: the layout of types is compared all the same.
// FLAGS: -gz
// EXPECT-REJECT: HP001-layout
struct point {
#ifdef PATCHED
  long z;
#endif
  int x, y;
};
int f(struct point* p) { return p->y; }

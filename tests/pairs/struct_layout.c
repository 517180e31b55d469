// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-REJECT: HP001-layout
struct thing {
  int a;
#ifdef PATCHED
  int lock;
#endif
  int b;
};
int get(struct thing* t) { return t->b; }

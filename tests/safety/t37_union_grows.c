// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-REJECT: HP001-layout
#pragma GCC visibility push(hidden)
union u {
  int a;
#ifdef PATCHED
  long wide;
#endif
};
int get(union u* u) { return u->a; }

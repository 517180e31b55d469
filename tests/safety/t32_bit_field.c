// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-REJECT: HP001-layout
#pragma GCC visibility push(hidden)
struct foo {
#ifdef PATCHED
  unsigned a : 4;
#else
  unsigned a : 3;
#endif
  unsigned b : 5;
};
int get(struct foo* foo) { return foo->a + foo->b; }

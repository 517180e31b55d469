// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-REJECT: HP001-layout
#pragma GCC visibility push(hidden)
struct foo {
  int a;
#ifdef PATCHED
  int b;
#endif
};
extern void use(struct foo* foo);
int peek(struct foo* foo) {
  use(foo);
  return foo->a;
}

// SPDX-License-Identifier: GPL-2.0-or-later
// An unchanged function stores what a changed one returns. (clang computes it in the caller.)
// EXPECT-CHANGED: first_state
// EXPECT-WARN: HP045-expression
// EXPECT-CLASS: B
// ONLY: gcc
// SOURCES: yes
#pragma GCC visibility push(hidden)
struct object {
  unsigned state;
};
static __attribute__((noinline)) unsigned first_state(void) {
#ifdef PATCHED
  return 4;
#else
  return 1;
#endif
}
void set_up(struct object* object) { object->state = first_state(); }

// SPDX-License-Identifier: GPL-2.0-or-later
// A failure more is none of the states.
// EXPECT-CHANGED: ask
// EXPECT-CLASS: A
// SOURCES: yes
#pragma GCC visibility push(hidden)
struct object {
  unsigned state;
};
extern int find(int number);
static __attribute__((noinline)) int ask(int number) {
#ifdef PATCHED
  if (number > 64) return -22;
#endif
  return find(number) ? 1 : 0;
}
void set_up(struct object* object, int number) { object->state = ask(number); }

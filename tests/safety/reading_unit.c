// SPDX-License-Identifier: GPL-2.0-or-later
// A stored number of seconds is read as one of milliseconds.
// EXPECT-CHANGED: is_over
// EXPECT-WARN: HP05B-reading
// EXPECT-CLASS: B
// SOURCES: yes
#pragma GCC visibility push(hidden)
struct s {
  long timeout;
};
extern long now(void);
int is_over(struct s* s) {
#ifdef PATCHED
  return now() > s->timeout / 1000;
#else
  return now() > s->timeout;
#endif
}

// SPDX-License-Identifier: GPL-2.0-or-later
// A member has another name, and is otherwise what it was: what it means may be another thing.
// EXPECT-CHANGED: f
// EXPECT-WARN: HP008-meaning
// EXPECT-CLASS: B
struct s {
#ifdef PATCHED
  int milliseconds;
#else
  int seconds;
#endif
};
extern int sink(int);
int f(struct s* s) {
#ifdef PATCHED
  return sink(s->milliseconds / 1000);
#else
  return sink(s->seconds);
#endif
}

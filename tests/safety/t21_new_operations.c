// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-CHANGED: attach open_it
// EXPECT-NEW: ops2
// EXPECT-DATA-REFERS: open_it
#pragma GCC visibility push(hidden)
struct ops {
  int (*open)(int);
  int (*close)(int);
};
extern int close_it(int x);
int open_it(int x) {
#ifdef PATCHED
  if (x < 0) return -1;
#endif
  return x + 1;
}
static const struct ops ops = {open_it, close_it};
#ifdef PATCHED
static const struct ops ops2 = {open_it, open_it};
#endif
const struct ops* attach(int x) {
#ifdef PATCHED
  if (x == 2) return &ops2;
#endif
  return x ? &ops : 0;
}

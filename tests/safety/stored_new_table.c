// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-CHANGED: attach
// EXPECT-NEW: ops2
// EXPECT-WARN: HP017-stored-pointer
// EXPECT-PINNED: ops2
// SOURCES: yes
#pragma GCC visibility push(hidden)
struct ops {
  int (*open)(int);
};
struct device {
  const struct ops* ops;
};
extern int open_a(int x);
static const struct ops ops = {open_a};
#ifdef PATCHED
static const struct ops ops2 = {0};
#endif
void attach(struct device* device, int x) {
#ifdef PATCHED
  if (x == 2) {
    device->ops = &ops2;
    return;
  }
#endif
  device->ops = &ops;
}

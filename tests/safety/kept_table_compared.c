// SPDX-License-Identifier: GPL-2.0-or-later
// Objects alive were given the address of the old table, which is no longer the one that they are asked for.
// EXPECT-REJECT: HP04A-kept-table
// SOURCES: yes
#pragma GCC visibility push(hidden)
struct ops {
  int (*open)(int);
  int mask;
};
struct device {
  const struct ops* ops;
};
extern int open_it(int x);
#ifdef PATCHED
static const struct ops ops = {open_it, 0x1f};
#else
static const struct ops ops = {open_it, 0xf};
#endif
int is_ours(struct device* device) { return device->ops == &ops; }

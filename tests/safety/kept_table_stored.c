// SPDX-License-Identifier: GPL-2.0-or-later
// What was set up before the patch holds the address of the old table.
// EXPECT-REJECT: HP04A-kept-table
// EXPECT-SAYS: struct device.ops
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
static void set_ops(struct device* device, const struct ops* given) { device->ops = given; }
void attach(struct device* device) { set_ops(device, &ops); }
int mask_of(struct device* device) { return device->ops->mask; }

// SPDX-License-Identifier: GPL-2.0-or-later
// A function of another unit may keep what it is given, by way of a table that holds the changed one.
// EXPECT-REJECT: HP04A-kept-table
// EXPECT-SAYS: register_group
// SOURCES: yes
#pragma GCC visibility push(hidden)
struct attribute {
  int mode;
  int (*show)(int);
};
extern int show(int x);
extern int register_group(void* device, const struct attribute* const* list);
#ifdef PATCHED
static const struct attribute first = {0400, show};
#else
static const struct attribute first = {0444, show};
#endif
static const struct attribute* const list[] = {&first, 0};
int attach(void* device) { return register_group(device, list); }

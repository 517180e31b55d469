// SPDX-License-Identifier: GPL-2.0-or-later
// Who was set up before went by the old table, and nobody searches for it again.
// EXPECT-REJECT: HP04A-kept-table
// SOURCES: yes
#pragma GCC visibility push(hidden)
struct id {
  int vendor;
  unsigned flags;
};
struct device {
  int vendor;
  unsigned flags;
};
extern const struct id* bus_match_id(struct device* device, const struct id* table);
#ifdef PATCHED
static const struct id table[] = {{1, 2}, {7, 4}, {0, 0}};
#else
static const struct id table[] = {{1, 2}, {7, 0}, {0, 0}};
#endif
int probe(struct device* device, const struct id* id) {
  if (!id) id = bus_match_id(device, table);
  device->flags = id ? id->flags : 0;
  return 0;
}

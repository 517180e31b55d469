// SPDX-License-Identifier: GPL-2.0-or-later
// What a search finds is part of the table that it went through.
// EXPECT-REJECT: HP04A-kept-table
// SOURCES: yes
#pragma GCC visibility push(hidden)
struct quirk {
  int id, flags;
};
struct device {
  int id;
  const struct quirk* quirk;
};
extern void* bsearch(const void* key, const void* base, unsigned long count, unsigned long size, int (*compare)(const void*, const void*));
extern int compare(const void* one, const void* other);
#ifdef PATCHED
static const struct quirk quirks[] = {{1, 2}, {3, 8}};
#else
static const struct quirk quirks[] = {{1, 2}, {3, 4}};
#endif
void update(struct device* device) {
  const struct quirk* found = bsearch(&device->id, quirks, 2, sizeof *found, compare);
  device->quirk = found;
}

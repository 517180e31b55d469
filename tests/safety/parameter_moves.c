// SPDX-License-Identifier: GPL-2.0-or-later
// A search moves its own copy of the pointer that it is given: the variable of the caller stays what it is.
// EXPECT-CHANGED: find quirks
// EXPECT-CLASS: A
// SOURCES: yes
#pragma GCC visibility push(hidden)
struct quirk {
  int id, flags;
};
static inline const struct quirk* search(int id, const struct quirk* base, unsigned long count) {
  while (count) {
    const struct quirk* middle = base + count / 2;
    if (id == middle->id) return middle;
    if (id > middle->id) {
      base = middle + 1;
      --count;
    }
    count /= 2;
  }
  return 0;
}
#ifdef PATCHED
static const struct quirk quirks[] = {{1, 2}, {3, 4}, {5, 7}, {9, 8}, {11, 3}};
#else
static const struct quirk quirks[] = {{1, 2}, {3, 4}, {9, 8}};
#endif
int find(int id) {
  const struct quirk* one = search(id, quirks, sizeof quirks / sizeof *quirks);
  return one ? one->flags : 0;
}

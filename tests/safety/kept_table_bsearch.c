// SPDX-License-Identifier: GPL-2.0-or-later
// A search with a body, as Xen's headers have it, hands what it looks at to a comparison, which keeps nothing.
// EXPECT-CHANGED: flags_of quirks
// SOURCES: yes
#pragma GCC visibility push(hidden)
struct quirk {
  int id, flags;
};
static inline __attribute__((always_inline)) void* bsearch(const void* key, const void* base, unsigned long count,
                                                           unsigned long size, int (*compare)(const void*, const void*)) {
  for (unsigned long low = 0, high = count; low < high;) {
    const unsigned long middle = (low + high) / 2;
    const int result = compare(key, (const char*)base + middle * size);
    if (result == 0) return (char*)base + middle * size;
    if (result < 0)
      high = middle;
    else
      low = middle + 1;
  }
  return 0;
}
extern int compare(const void* one, const void* other);
#ifdef PATCHED
static const struct quirk quirks[] = {{1, 2}, {3, 4}, {5, 9}, {8, 2}};
#else
static const struct quirk quirks[] = {{1, 2}, {3, 4}, {5, 6}};
#endif
int flags_of(int id) {
  const struct quirk* found = bsearch(&id, quirks, sizeof quirks / sizeof *quirks, sizeof *found, compare);
  return found ? found->flags : 0;
}

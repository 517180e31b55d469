// SPDX-License-Identifier: GPL-2.0-or-later
// Whoever reads a table in place reads the new one at once.
// EXPECT-CHANGED: index loop find parse same limits policy quirks signature
// CLANG-EXPECT-CHANGED: index loop find parse same policy quirks signature
// CLANG-EXPECT-CLASS: A
// EXPECT-CLASS: A
// SOURCES: yes
#pragma GCC visibility push(hidden)
struct quirk {
  int id, flags;
};
extern void* bsearch(const void* key, const void* base, unsigned long count, unsigned long size, int (*compare)(const void*, const void*));
extern int compare(const void* one, const void* other);
extern int memcmp(const void* one, const void* other, unsigned long size);
extern int __nla_parse(void** table, const unsigned short* policy, void* message);
#ifdef PATCHED
#define LAST 8
#else
#define LAST 4
#endif
static const struct quirk quirks[] = {{1, 2}, {3, LAST}, {0, 0}};
static const int limits[] = {1, 2, LAST, 3, 70000, 1 << 20, -5, 99};
static const unsigned short policy[] = {1, 2, 7, LAST};
static const unsigned char signature[] = {200, 201, 202, LAST, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13};
static inline int nla_parse(void** table, const unsigned short* rules, void* message) { return __nla_parse(table, rules, message); }
int index(unsigned at) { return at < 8 ? limits[at] : 0; }
int loop(int id) {
  const struct quirk* one;
  for (one = quirks; one->id; one++)
    if (one->id == id) return one->flags;
  return 0;
}
int find(int id) {
  const struct quirk* found = bsearch(&id, quirks, 2, sizeof *found, compare);
  return found ? found->flags : 0;
}
int parse(void* message) {
  void* table[4];
  return nla_parse(table, policy, message);
}
int same(const void* what) { return memcmp(what, signature, sizeof signature) == 0; }

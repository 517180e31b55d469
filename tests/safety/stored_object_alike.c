// SPDX-License-Identifier: GPL-2.0-or-later
// The same values, member by member and as a whole.
// EXPECT-CHANGED: fill
// EXPECT-CLASS: A
// SOURCES: yes
#pragma GCC visibility push(hidden)
typedef __SIZE_TYPE__ size_t;
extern void* memcpy(void* to, const void* from, size_t size);
struct settings {
  unsigned state;
  unsigned mode;
  unsigned long limit;
};
void fill(struct settings* settings, unsigned long limit) {
#ifdef PATCHED
  if (limit > 64) return;
  *settings = (struct settings){.state = 1, .mode = 2, .limit = limit};
#else
  settings->state = 1;
  settings->mode = 2;
  settings->limit = limit;
#endif
}

// SPDX-License-Identifier: GPL-2.0-or-later
// A local that is copied out is cleared first: the usual mending of a leak.
// EXPECT-CHANGED: report
// EXPECT-CLASS: A
// SOURCES: yes
#pragma GCC visibility push(hidden)
typedef __SIZE_TYPE__ size_t;
extern void* memset(void* object, int byte, size_t size);
struct slots {
  unsigned char owner[64];
  unsigned long used;
};
extern int copy_out(void* to, const struct slots* from);
int report(void* to, unsigned long used) {
  struct slots slots;
#ifdef PATCHED
  memset(&slots, 0, sizeof(slots));
#endif
  slots.used = used;
  return copy_out(to, &slots);
}

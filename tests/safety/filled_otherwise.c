// SPDX-License-Identifier: GPL-2.0-or-later
// What stands for an empty slot is another byte.
// EXPECT-REJECT: HP043-constant
// SOURCES: yes
#pragma GCC visibility push(hidden)
typedef __SIZE_TYPE__ size_t;
extern void* memset(void* object, int byte, size_t size);
struct slots {
  unsigned char owner[64];
  unsigned long used;
};
#ifdef PATCHED
#define NOBODY 0
#else
#define NOBODY 0xff
#endif
void reset(struct slots* slots) { memset(slots->owner, NOBODY, sizeof(slots->owner)); }

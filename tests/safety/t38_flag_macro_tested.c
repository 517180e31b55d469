// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-REJECT: HP046-macro
// SOURCES: yes
#pragma GCC visibility push(hidden)
#ifdef PATCHED
#define F_BUSY 0x8
#else
#define F_BUSY 0x4
#endif
struct object {
  unsigned flags;
};
int is_busy(struct object* object) {
  if (object->flags & F_BUSY) return 1;
  return 0;
}

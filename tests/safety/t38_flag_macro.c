// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-REJECT: HP043-constant
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
void start(struct object* object) { object->flags |= F_BUSY; }
int is_busy(struct object* object) { return (object->flags & F_BUSY) != 0; }

// SPDX-License-Identifier: GPL-2.0-or-later
// A bit of an entry that is reached through a plain pointer.
// EXPECT-CHANGED: set_dirty
// EXPECT-WARN: HP043-constant
// EXPECT-CLASS: B
// SOURCES: yes
#pragma GCC visibility push(hidden)
#ifdef PATCHED
#define DIRTY (1UL << 10)
#else
#define DIRTY (1UL << 9)
#endif
void set_dirty(unsigned long* entry) { *entry |= DIRTY; }

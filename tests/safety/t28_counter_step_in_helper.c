// SPDX-License-Identifier: GPL-2.0-or-later
// The counter is reached through a plain pointer: what it is part of is not seen, that it goes by another step is.
// EXPECT-CHANGED: bump
// EXPECT-WARN: HP044-counter
// EXPECT-CLASS: B
// SOURCES: yes
#pragma GCC visibility push(hidden)
struct object {
  int references;
};
static __attribute__((noinline)) void bump(int* counter) {
#ifdef PATCHED
  *counter += 2;
#else
  *counter += 1;
#endif
}
void get(struct object* object) { bump(&object->references); }

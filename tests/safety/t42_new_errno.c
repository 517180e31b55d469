// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-CHANGED: check
// EXPECT-NOTE: HP025-result
// EXPECT-CLASS: A
// SOURCES: yes
#pragma GCC visibility push(hidden)
extern int allowed(int id);
int check(int id) {
  if (id < 0) return -22;
#ifdef PATCHED
  if (!allowed(id)) return -1;
#endif
  return 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
// A caller that is not patched takes 0 for a refusal.
// EXPECT-CHANGED: is_valid
// EXPECT-WARN: HP025-result
// SOURCES: yes
#pragma GCC visibility push(hidden)
extern int ready(int x);
int is_valid(int x) {
#ifdef PATCHED
  return ready(x) ? 0 : -22;
#else
  return ready(x) != 0;
#endif
}

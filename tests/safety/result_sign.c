// SPDX-License-Identifier: GPL-2.0-or-later
// A caller that is not patched asks for a negative number.
// EXPECT-CHANGED: probe
// EXPECT-WARN: HP025-result
// SOURCES: yes
#pragma GCC visibility push(hidden)
extern int ready(int x);
int probe(int x) {
#ifdef PATCHED
  if (!ready(x)) return 1;
#else
  if (!ready(x)) return -5;
#endif
  return 0;
}

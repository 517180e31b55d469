// SPDX-License-Identifier: GPL-2.0-or-later
// A comparison that keeps nothing in order: only what it was wrong about changes.
// EXPECT-CHANGED: fits
// EXPECT-CLASS: A
// SOURCES: yes
#pragma GCC visibility push(hidden)
struct range {
  unsigned long start, end;
};
int fits(const struct range* inner, const struct range* outer) {
#ifdef PATCHED
  if (inner->end > outer->end) return 0;
#else
  if (inner->end < outer->end) return 0;
#endif
  return 1;
}

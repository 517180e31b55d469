// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-CHANGED: f
// EXPECT-NEW: refused
// EXPECT-CLASS: B
// EXPECT-WARN: HP048-new-state
#pragma GCC visibility push(hidden)
#ifdef PATCHED
int refused;
#endif
int f(int x) {
#ifdef PATCHED
  if (x < 0) {
    ++refused;
    return -1;
  }
#endif
  return x * 3;
}

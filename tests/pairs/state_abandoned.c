// SPDX-License-Identifier: GPL-2.0-or-later
// A variable that the patched code keeps no longer up to date: accepted, and said.
// EXPECT-CHANGED: f
// EXPECT-REMOVED: last
// EXPECT-WARN: HP010-state-abandoned
#ifndef PATCHED
static int last;
#endif
int f(int x) {
#ifndef PATCHED
  if (x == last) return 0;
  last = x;
#endif
  return x * 7;
}

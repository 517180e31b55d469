// SPDX-License-Identifier: GPL-2.0-or-later
// A changed body; its neighbour stays.
// EXPECT-CHANGED: limit
// EXPECT-LEAVES: other counter
static int counter;
int other(int x) { return x + ++counter; }
int limit(int x) {
#ifdef PATCHED
  if (x < 0) return -22;
#endif
  return x * 3 + counter;
}

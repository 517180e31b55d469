// SPDX-License-Identifier: GPL-2.0-or-later
// New data comes along, existing data stays.
// EXPECT-CHANGED: count
// EXPECT-NEW: failures
// EXPECT-TAKES: failures
// EXPECT-LEAVES: calls
static int calls;
#ifdef PATCHED
static int failures;
#endif
int count(int x) {
#ifdef PATCHED
  if (x < 0) return ++failures;
#endif
  return calls += x;
}

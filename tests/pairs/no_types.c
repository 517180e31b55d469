// SPDX-License-Identifier: GPL-2.0-or-later
// Objects without debugging information are compared all the same; what could not be compared is said.
// FLAGS: -g0
// EXPECT-CHANGED: f
// EXPECT-WARN: HP009-no-types
// EXPECT-SAYS: there is no debugging information; the layout
#ifdef PATCHED
int f(int x) { return x + 2; }
#else
int f(int x) { return x + 1; }
#endif

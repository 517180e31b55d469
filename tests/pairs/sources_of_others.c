// SPDX-License-Identifier: GPL-2.0-or-later
// The sources as they are read here lack what was compiled: nothing was examined, and that is said.
// SOURCES: yes
// FLAGS: -DGIVEN_TO_THE_COMPILER_ALONE
// EXPECT-CHANGED: f
// EXPECT-WARN: HP00A-unexamined
int other(int x) { return x; }
#ifdef GIVEN_TO_THE_COMPILER_ALONE
#ifdef PATCHED
int f(int x) { return x * 3 + 2; }
#else
int f(int x) { return x * 3 + 1; }
#endif
#endif

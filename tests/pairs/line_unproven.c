// SPDX-License-Identifier: GPL-2.0-or-later
// Without debugging information nothing proves that a number is a line's: a change, and said.
// FLAGS: -g0
// EXPECT-CHANGED: f
// EXPECT-WARN: HP069-line-unproven HP009-no-types
extern void note(const char*, int);
#ifdef PATCHED
#line 200
#endif
void f(void) { note("here", __LINE__); }

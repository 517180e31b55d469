// SPDX-License-Identifier: GPL-2.0-or-later
// A line number that reaches an instruction is a change of code: the build environment is to keep it from happening.
// EXPECT-CHANGED: f
extern void note(const char*, int);
#ifdef PATCHED
#line 200
#endif
void f(void) { note("here", __LINE__); }

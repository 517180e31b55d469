// SPDX-License-Identifier: GPL-2.0-or-later
// A line number that reaches an instruction, whatever register it travels in, is no change: the debugging information proves it.
// EXPECT-SAME
// EXPECT-NOTE: HP068-line-only
extern void note(const char*, int), fifth(int, int, int, int, int), seventh(int, int, int, int, int, int, int);
#ifdef PATCHED
#line 300
#else
#line 200
#endif
void f(void) { note("here", __LINE__); }
void g(int x) { fifth(x, x, x, __LINE__, x); }
void h(int x) { seventh(x, x, x, x, x, x, __LINE__ + 100000 - 100000); }

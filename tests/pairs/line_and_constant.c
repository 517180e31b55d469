// SPDX-License-Identifier: GPL-2.0-or-later
// A constant that goes up by as much as the lines do is a change: no line of that number stands by it.
// EXPECT-CHANGED: f
extern void note(const char*, int);
#ifdef PATCHED
#line 30
void f(void) { note("here", 1020); }
#else
#line 10
void f(void) { note("here", 1000); }
#endif
void g(void) { note("there", 5); }

// SPDX-License-Identifier: GPL-2.0-or-later
// Another place in an object that the compiler makes for each use, whose content is the same.
// EXPECT-CHANGED: f
extern void say(const char*);
#ifdef PATCHED
#define FIRST 2
#else
#define FIRST 1
#endif
void f(void) { say(&__func__[FIRST]); }

// SPDX-License-Identifier: GPL-2.0-or-later
// How often the compiler expects a function to run, and that it may be dropped after boot, means nothing to the one that is there.
// TARGET: linux
// EXPECT-SAME
// EXPECT-NOTE: HP014-code-moved
#ifdef PATCHED
#define PLACE(name) __attribute__((section(name)))
#else
#define PLACE(name)
#endif
int PLACE(".text.unlikely") f(int x) { return x + 1; }
int PLACE(".init.text") g(int x) { return x + 2; }

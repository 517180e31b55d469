// SPDX-License-Identifier: GPL-2.0-or-later
// A function turns weak: in a build of everything another definition might take its place.
// EXPECT-REJECT: HP013-binding
#ifdef PATCHED
__attribute__((weak))
#endif
int f(int x) { return x + 1; }

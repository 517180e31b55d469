// SPDX-License-Identifier: GPL-2.0-or-later
// A function is no longer weak: the same one, if it was this unit's that the linker took.
// EXPECT-SAME
// EXPECT-WARN: HP013-binding
#ifndef PATCHED
__attribute__((weak))
#endif
int f(int x) { return x + 1; }

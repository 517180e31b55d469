// SPDX-License-Identifier: GPL-2.0-or-later
// A function moves to a section by which the kernel knows it; its code is the same.
// TARGET: linux
// EXPECT-REJECT: HP014-code-moved
#ifdef PATCHED
__attribute__((section(".cpuidle.text")))
#endif
int f(int x) { return x + 1; }

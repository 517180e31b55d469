// SPDX-License-Identifier: GPL-2.0-or-later
// A zero is one whether the object spells it out or not, and the running system keeps the variable where it has it.
// EXPECT-SAME
// EXPECT-NOTE: HP007-data-moved
#ifdef PATCHED
static int state __attribute__((section(".data")));
#else
static int state;
#endif
int f(int x) { return state += x; }

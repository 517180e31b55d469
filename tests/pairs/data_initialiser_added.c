// SPDX-License-Identifier: GPL-2.0-or-later
// Live data that began as zero, without content in the object, would begin as something else.
// EXPECT-REJECT: HP005-data-initialiser
#ifdef PATCHED
static int state = 5;
#else
static int state;
#endif
int f(int x) { return state += x; }

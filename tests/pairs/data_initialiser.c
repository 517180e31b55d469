// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-REJECT: HP005-data-initialiser
#ifdef PATCHED
static int level = 4;
#else
static int level = 3;
#endif
int get(void) { return level; }
void set(int x) { level = x; }

// SPDX-License-Identifier: GPL-2.0-or-later
// A section that nobody has described is gone with the patch.
// EXPECT-REJECT: HP061-unknown-section
// EXPECT-SAYS: is gone
#ifndef PATCHED
asm(".section .novel_table, \"a\"\n.long 1, 2\n.previous");
#endif
int f(int x) { return x + 1; }

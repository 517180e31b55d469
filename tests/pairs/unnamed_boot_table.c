// SPDX-License-Identifier: GPL-2.0-or-later
// Entries of a table that is read at boot have no names when assembly makes them; a change in one is seen all the same.
// TARGET: linux
// EXPECT-REJECT: HP052-boot-table
int start(void) { return 0; }
int other(void) { return 1; }
#ifdef PATCHED
asm(".pushsection .initcall6.init, \"a\"\n.long other - .\n.popsection");
#else
asm(".pushsection .initcall6.init, \"a\"\n.long start - .\n.popsection");
#endif

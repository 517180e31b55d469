// SPDX-License-Identifier: GPL-2.0-or-later
// A table of addresses becomes one of distances: the same bytes, and references to the same thing.
// TARGET: linux
// EXPECT-CHANGED: table f
#ifdef PATCHED
#define FROM " - ."
#else
#define FROM ""
#endif
asm(".section .rodata.table, \"a\"\n.type table, @object\n.size table, 4\ntable: .long target" FROM "\n.previous");
extern const int table[1];
extern int look(const int*);
int f(void) { return look(table); }

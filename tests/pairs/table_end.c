// SPDX-License-Identifier: GPL-2.0-or-later
// A table without a name gets another entry, and is in a section for itself in the original alone: what stands behind its entries in the
// patched object's .rodata is one more of them, and no other thing.
// ONLY: clang
// FLAGS: -mgeneral-regs-only
// FLAGS-PATCHED: -fno-data-sections
// EXPECT-CHANGED: read limit
#ifdef PATCHED
#define ENTRIES {11, 22, 33, 44, 55, 66}
#define COUNT 6
#else
#define ENTRIES {11, 22, 33, 44, 55}
#define COUNT 5
#endif
__attribute__((noinline)) static unsigned char read(unsigned long i) {
  const unsigned char table[] = ENTRIES;
  return table[i];
}
int limit(unsigned long i) { return i < COUNT ? read(i) : -1; }

// SPDX-License-Identifier: GPL-2.0-or-later
// A table without a name has a section for itself, and gets another entry, of zero. Its reader is the same instructions, but the old table
// ends before that entry.
// ONLY: clang
// FLAGS: -mgeneral-regs-only
// EXPECT-CHANGED: read limit
#ifdef PATCHED
#define ENTRIES {11, 22, 33, 44, 55, 0}
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

// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-CHANGED: put
// EXPECT-WARN: HP045-expression
// EXPECT-CLASS: B
// SOURCES: yes
#pragma GCC visibility push(hidden)
struct cell {
  unsigned long value;
};
void put(struct cell* cell, unsigned long value) {
#ifdef PATCHED
  value = value + 1;
  asm volatile("movq %1,%0" : "=m"(cell->value) : "r"(value << 1));
#else
  asm volatile("movq %1,%0" : "=m"(cell->value) : "r"(value));
#endif
}

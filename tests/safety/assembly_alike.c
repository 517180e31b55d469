// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-CHANGED: put
// EXPECT-CLASS: A
// SOURCES: yes
#pragma GCC visibility push(hidden)
struct cell {
  unsigned long value;
};
void put(struct cell* cell, unsigned long value) {
#ifdef PATCHED
  if (value > 64) return;
#endif
  asm volatile("movq %1,%0" : "=m"(cell->value) : "r"(value));
}

// SPDX-License-Identifier: GPL-2.0-or-later
// The address of a variable, out of the global offset table, and its value: the same bytes of code, with another relocation.
// EXPECT-CHANGED: f
#ifdef PATCHED
#define SOURCE "state(%%rip)"
#else
#define SOURCE "state@GOTPCREL(%%rip)"
#endif
long state;
long f(void) {
  long value;
  asm volatile("mov " SOURCE ", %0" : "=a"(value));
  return value;
}

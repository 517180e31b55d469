// SPDX-License-Identifier: GPL-2.0-or-later
// Three tables without names, of which one is used by both functions. In one object each has its section; in the other all three are one
// stretch of .rodata. They are the same, and so is who uses which.
// ONLY: clang
// FLAGS: -mgeneral-regs-only -fno-data-sections
// FLAGS-PATCHED: -fdata-sections
// EXPECT-SAME
extern long e0(long);
static inline long shared(unsigned long x) {
  switch (x) {
    case 0: return 9231; case 1: return 7112; case 2: return 6333; case 3: return 5544; case 4: return 4755; case 5: return 3966;
    case 6: return 17;
  }
  return 5;
}
long first(unsigned long x) {
  long y = 0;
  switch (x) {
    case 0: y = 1923; break; case 1: y = 288; break; case 2: y = 3777; break; case 3: y = 496; break; case 4: y = 555; break;
  }
  return e0(y) + shared(x + 1);
}
long second(unsigned long x) {
  long y = 0;
  switch (x) {
    case 0: y = 81; break; case 1: y = 7432; break; case 2: y = 63; break; case 3: y = 5234; break; case 4: y = 45; break;
  }
  return e0(y) ^ shared(x);
}

// SPDX-License-Identifier: GPL-2.0-or-later
// The jump tables of all functions lie in one section without names; a change in one of them is a change of one function.
// FLAGS: -fjump-tables -fno-pic -mcmodel=kernel -fno-function-sections -fno-data-sections
// EXPECT-CHANGED: f f.cold
// CLANG-EXPECT-CHANGED: f
// EXPECT-LEAVES: h
extern int a(int), b(int), c(int), d(int), e(int), g(int);
int h(int x) {
  switch (x) {
    case 0: return a(x) + 12;
    case 1: return b(x) + 1;
    case 2: return c(x) + 3;
    case 3: return d(x) + 4;
    case 4: return e(x) + 5;
    case 5: return g(x) + 16;
  }
  return 0;
}
#include "jump_table.c"

// SPDX-License-Identifier: GPL-2.0-or-later
// Two jump tables in one .rodata: only one of them has another length, and the other function is as it was.
// FLAGS: -fno-function-sections -fno-data-sections
// EXPECT-CHANGED: first
extern int e0(int), e1(int);
int first(int x) {
  switch (x) {
    case 0: return e0(x + 3); case 1: return e1(x + 7); case 2: return e0(x * 9); case 3: return e1(x ^ 5); case 4: return e0(x - 1);
#ifdef PATCHED
    case 5: return e1(x * 77);
#endif
  }
  return 0;
}
int second(int x) {
  switch (x) {
    case 0: return e0(x + 13); case 1: return e1(x + 17); case 2: return e0(x * 19); case 3: return e1(x ^ 15); case 4: return e0(x - 11);
  }
  return 1;
}

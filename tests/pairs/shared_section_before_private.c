// SPDX-License-Identifier: GPL-2.0-or-later
// The compiler's own table, which no symbol of the programmer's names, changes; its address less 4 lies behind the end of another.
// FLAGS: -fno-data-sections
// ONLY: gcc
// EXPECT-REJECT: HP034-tied
#ifdef PATCHED
#define FOURTH 4321
#else
#define FOURTH 1234
#endif
extern void note(long);
void all(long n) {
  for (long i = 1; i <= n; ++i) {
    int value;
    note(i);
    switch (i) {
      case 1:
        value = 77;
        break;
      case 2:
        value = 5;
        break;
      case 3:
        value = 99;
        break;
      case 4:
        value = FOURTH;
        break;
      case 5:
        value = 6;
        break;
      case 6:
        value = 19;
        break;
      default:
        value = 0;
    }
    note(value);
  }
}
int last(unsigned i) {
  switch (i) {
    case 0: return 9;
    case 1: return 54;
    case 2: return 3;
    case 3: return 78;
    case 4: return 12;
    case 5: return 35;
    default: return 0;
  }
}

// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-REJECT: HP011-ambiguous-static
#pragma GCC visibility push(hidden)
extern void first(int* counter);
extern void second(int* counter);
extern void third(void);
int f(int x) {
#ifdef ORIGINAL
  {
    static int cnt;
    cnt += x;
    first(&cnt);
  }
  {
    static int cnt;
    cnt -= x;
    second(&cnt);
  }
#else
  {
    static int cnt;
    cnt -= x;
    second(&cnt);
  }
  {
    static int cnt;
    cnt += x;
    first(&cnt);
  }
#endif
  return x;
}

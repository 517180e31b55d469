// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-REJECT: HP015-per-cpu
#pragma GCC visibility push(hidden)
#ifdef PATCHED
__attribute__((section(".bss.percpu"))) int x;
#endif
extern int y;
int get(int i) {
#ifdef PATCHED
  x += i;
#endif
  return y + i;
}

// SPDX-License-Identifier: GPL-2.0-or-later
// TARGET: linux
// EXPECT-REJECT: HP026-endless
extern void work(int);
int loop(void* data) {
  for (;;) {
#ifdef PATCHED
    if (!data) continue;
#endif
    work(1);
  }
}

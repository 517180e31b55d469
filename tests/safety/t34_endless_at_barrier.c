// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-CHANGED: loop
// EXPECT-WARN: HP026-endless
#pragma GCC visibility push(hidden)
extern void work(int);
int loop(void* data) {
  for (;;) {
#ifdef PATCHED
    if (!data) continue;
#endif
    work(1);
  }
}

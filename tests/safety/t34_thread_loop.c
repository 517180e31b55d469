// SPDX-License-Identifier: GPL-2.0-or-later
// TARGET: linux
// EXPECT-REJECT: HP026-endless
extern _Bool kthread_should_stop(void);
extern void work(int);
int loop(void* data) {
  while (!kthread_should_stop()) {
#ifdef PATCHED
    if (!data) continue;
#endif
    work(1);
  }
  return 0;
}

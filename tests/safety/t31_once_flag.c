// SPDX-License-Identifier: GPL-2.0-or-later
// TARGET: linux
// EXPECT-CHANGED: f
// EXPECT-NOTE: HP016-once
extern int printk(const char* format, ...);
int f(int x) {
#ifdef PATCHED
  static _Bool __attribute__((section(".data.once"))) __already_done;
  if (x < 0 && !__already_done) {
    __already_done = 1;
    printk("negative");
  }
#endif
  return x * 3;
}

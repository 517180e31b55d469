// SPDX-License-Identifier: GPL-2.0-or-later
// Every line number that the kernel's macros make moves, and nothing else: no change.
// EXPECT-SAME
#include <linux/jump_label.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/printk.h>
#include <linux/rcupdate.h>
#include <linux/rtnetlink.h>
#ifdef PATCHED
#line 300
#endif
static DEFINE_MUTEX(mutex);
static int state;
noinline int warns(int x) {
  WARN_ON(x > 5);
  WARN(x > 7, "large %d", x);
  WARN_ONCE(x > 8, "huge %d", x);
  BUG_ON(x > 100);
  ASSERT_RTNL();
  pr_debug("x is %d\n", x);
  might_sleep();
  mutex_lock(&mutex);
  state += x;
  mutex_unlock(&mutex);
  return x;
}
static struct mutex other;
void prepares(void) { mutex_init(&other); }
MODULE_LICENSE("GPL");

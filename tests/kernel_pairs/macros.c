// SPDX-License-Identifier: GPL-2.0-or-later
// The kernel's own macros, all tables at once: one function changes, and everything around it stays what it is.
// EXPECT-CHANGED: changes changes.cold
// EXPECT-LEAVES: warns allocates locks reads branches
// EXPECT-TAKES: changes __bug_table __jump_table
#include <linux/jump_label.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

static DEFINE_STATIC_KEY_FALSE(feature);
static DEFINE_PER_CPU(int, counter);
static DEFINE_SPINLOCK(lock);
static LIST_HEAD(all);

noinline int warns(int x) {
  WARN_ON(x > 5);
  WARN_ONCE(x > 7, "large %d", x);
  pr_debug("x is %d\n", x);
  might_sleep();
  return x;
}
noinline void* allocates(size_t size) { return kzalloc(size, GFP_KERNEL); }
noinline void locks(struct list_head* entry) {
  spin_lock(&lock);
  list_add(entry, &all);
  this_cpu_inc(counter);
  spin_unlock(&lock);
}
noinline long reads(void __user* from, int* to) {
  int value;
  if (get_user(value, (int __user*)from)) return -EFAULT;
  if (copy_from_user(to, from, 16)) return -EFAULT;
  return value;
}
noinline int branches(int x) {
  if (static_branch_unlikely(&feature)) return x * 3;
  return x;
}
#ifdef PATCHED
#line 200
#endif
noinline int changes(int x) {
  WARN_ON_ONCE(x == 3);
#ifdef PATCHED
  if (static_branch_unlikely(&feature)) return x - 1;
#else
  if (static_branch_unlikely(&feature)) return x + 1;
#endif
  pr_info_once("changes %d\n", x);
  return warns(x);
}
MODULE_LICENSE("GPL");

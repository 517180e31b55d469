// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-REJECT: HP050-init
#include <linux/init.h>
#include <linux/module.h>
static int __init start(void) {
#ifdef PATCHED
  pr_info("started\n");
#endif
  return 0;
}
module_init(start);
MODULE_LICENSE("GPL");

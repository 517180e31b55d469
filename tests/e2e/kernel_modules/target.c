// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A module to be patched. /proc/sleeper shows a line, and before that sleeps for as many seconds as the parameter says: by a signal's
 * leave, or, with "deaf", without it.
 */
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>

static int seconds;
module_param(seconds, int, 0644);
static bool deaf;
module_param(deaf, bool, 0644);

noinline int sleeper_show(struct seq_file *file, void *unused)
{
	int i;

	for (i = 0; i < seconds * 10; i++) {
		if (deaf)
			msleep(100);
		else if (msleep_interruptible(100))
			return -ERESTARTSYS;
	}
	seq_puts(file, "original\n");
	return 0;
}

static int __init target_init(void)
{
	return proc_create_single("sleeper", 0444, NULL, sleeper_show) ? 0 : -ENOMEM;
}

static void __exit target_exit(void)
{
	remove_proc_entry("sleeper", NULL);
}

module_init(target_init);
module_exit(target_exit);
MODULE_LICENSE("GPL");

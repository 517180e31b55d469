// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A live patch as small as can be, of one of several kinds, to show the host's tool at work: what is in it, WITH_… says, and the build IDs
 * that it claims to be for. Nothing of this is how the product makes its own.
 */
#include <linux/delay.h>
#include <linux/kernel.h>
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/seq_file.h>

#ifndef WITH_TARGET
static int new_cmdline(struct seq_file *file, void *unused)
{
#ifdef WITH_CRASH
	file = READ_ONCE(*(struct seq_file **)8);
#endif
#ifdef WITH_WARNING
	WARN_ON_ONCE(file);
#endif
	seq_puts(file, "patched by " KBUILD_MODNAME "\n");
	return 0;
}
#endif

#ifdef WITH_VERSION
static int new_version(struct seq_file *file, void *unused)
{
	seq_puts(file, "version patched by " KBUILD_MODNAME "\n");
	return 0;
}
#endif

#ifdef WITH_TARGET
/* Sleeps in the new code where it is told to. */
static int seconds;
module_param(seconds, int, 0644);

static noinline int new_sleeper(struct seq_file *file, void *unused)
{
	int i;

	for (i = 0; i < seconds * 10; i++)
		msleep(100);
	seq_puts(file, "patched\n");
	return 0;
}

#ifdef WITH_TAIL_CALL
/* Leaves by a jump: a task that sleeps in the helper has no frame of a function that the kernel knows to be replaced. */
static noinline int tail_sleeper(struct seq_file *file, void *unused)
{
	return new_sleeper(file, unused);
}
#endif
#endif

static struct klp_func image_functions[] = {
#ifndef WITH_TARGET
	{ .old_name = "cmdline_proc_show", .new_func = new_cmdline },
#endif
#ifdef WITH_VERSION
	{ .old_name = "version_proc_show", .new_func = new_version },
#endif
	{}
};

#ifdef WITH_TARGET
#ifdef WITH_TAIL_CALL
#define new_sleeper_show tail_sleeper
#else
#define new_sleeper_show new_sleeper
#endif
static struct klp_func target_functions[] = { { .old_name = "sleeper_show", .new_func = new_sleeper_show }, {} };
#endif

static struct klp_object objects[] = {
	{ .funcs = image_functions },
#ifdef WITH_TARGET
	{ .name = "sleeper", .funcs = target_functions },
#endif
	{}
};

static struct klp_patch patch = {
	.mod = THIS_MODULE,
	.objs = objects,
#ifdef WITH_REPLACE
	.replace = true,
#endif
};

static int __init patch_init(void)
{
	return klp_enable_patch(&patch);
}

static void __exit patch_exit(void)
{
}

module_init(patch_init);
module_exit(patch_exit);
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
#ifdef KERNEL_BUILD_ID
MODULE_INFO(hotpatch_build_id, KERNEL_BUILD_ID);
#endif
#ifdef TARGET_BUILD_ID
MODULE_INFO(hotpatch_target, "sleeper " TARGET_BUILD_ID);
#endif
MODULE_INFO(hotpatch_fixes, "CVE-0000-1");

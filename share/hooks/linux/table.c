// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The patch changes an entry of a writable table that is initialised in the source. The running kernel's table stays as it is.
 *
 * Copy this file, and put the table, the way to find the entry, and its two values in. A static table is declared here as an extern one;
 * it must be the only one of its name. The entry is looked for by what it holds, never by its index, which a configuration may shift.
 *
 * An entry that is not as expected refuses the patch before anything is changed. A pointer that is written must lead to what the kernel
 * has, never to what the module brings.
 */
#include <linux/errno.h>
#include <linux/livepatch.h>
#include <linux/string.h>
#include <linux/sysctl.h>

/* hotpatch discharges: HP005-data-initialiser vm_table by hotpatch_pre_patch_vmlinux and hotpatch_post_unpatch_vmlinux */

extern struct ctl_table vm_table[];

#define MEMBER extra2
#define WAS NULL
#define IS SYSCTL_TWO_HUNDRED

static struct ctl_table *entry(void)
{
	struct ctl_table *one;

	for (one = vm_table; one->procname; one++)
		if (!strcmp(one->procname, "vfs_cache_pressure"))
			return one;
	return NULL;
}

int hotpatch_pre_patch_vmlinux(struct klp_object *object)
{
	struct ctl_table *one = entry();

	if (!one || cmpxchg(&one->MEMBER, WAS, IS) != WAS)
		return -EINVAL;
	return 0;
}

void hotpatch_post_unpatch_vmlinux(struct klp_object *object)
{
	cmpxchg(&entry()->MEMBER, IS, WAS);
}

struct klp_state hotpatch_states[] = { { .id = 0x68700002, .version = 1 }, { } };

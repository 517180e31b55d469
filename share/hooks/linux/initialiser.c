// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The patch gives a variable another initial value. The running kernel's has the old one, or an administrator's.
 *
 * Copy this file, put the variable and its two values in, and build with --hooks FILE.c. A static variable is declared here as an extern
 * one; it must be the only one of its name. Of a module's variable the functions are named hotpatch_post_patch_MODULE, and so on.
 *
 * The state makes the kernel refuse a later patch that would take this one's place without knowing what it did: give each patch series a
 * number of its own, and have later patches of the series list it too.
 */
#include <linux/dcache.h>
#include <linux/livepatch.h>

/* hotpatch discharges: HP005-data-initialiser sysctl_vfs_cache_pressure by hotpatch_post_patch_vmlinux and hotpatch_pre_unpatch_vmlinux */

#define VARIABLE sysctl_vfs_cache_pressure
#define WAS 100
#define IS 150

/* When every thread runs the new code. What an administrator chose stays. */
void hotpatch_post_patch_vmlinux(struct klp_object *object)
{
	cmpxchg(&VARIABLE, WAS, IS);
}

void hotpatch_pre_unpatch_vmlinux(struct klp_object *object)
{
	cmpxchg(&VARIABLE, IS, WAS);
}

struct klp_state hotpatch_states[] = { { .id = 0x68700001, .version = 1 }, { } };

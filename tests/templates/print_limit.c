/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Says what a variable of the hypervisor is now. */
#include <xen/grant_table.h>
#include <xen/lib.h>
#include <xen/livepatch_payload.h>

static void cf_check print_limit(void)
{
    printk("hook: opt_max_grant_frames is %u\n", opt_max_grant_frames);
}

LIVEPATCH_LOAD_HOOK(print_limit);
LIVEPATCH_UNLOAD_HOOK(print_limit);

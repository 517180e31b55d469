/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A hook with data of its own, for a payload of hooks alone. */
#include <xen/lib.h>
#include <xen/livepatch_payload.h>

static unsigned int times;

static void cf_check count(void)
{
    printk("hook: called %u times\n", ++times);
}

LIVEPATCH_LOAD_HOOK(count);
LIVEPATCH_UNLOAD_HOOK(count);

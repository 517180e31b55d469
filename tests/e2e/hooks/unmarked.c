/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A hook that a CPU with indirect branch tracking would not enter. */
#include <xen/lib.h>
#include <xen/livepatch_payload.h>

static void unmarked(void)
{
    printk("hook: unmarked\n");
}

LIVEPATCH_LOAD_HOOK(unmarked);

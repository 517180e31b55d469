/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The patch gives a variable another initial value. The running hypervisor's has the old one, or an administrator's.
 *
 * Copy this file, put the variable and its two values in, and build with --hooks FILE.c. The variable must have external linkage; for a
 * static one, put the functions into the patched source itself (table.c shows how).
 *
 * Load and unload hooks run while all other CPUs stand still, with interrupts off: compare and write, and nothing that takes time.
 */
#include <xen/grant_table.h>
#include <xen/livepatch_payload.h>

/* hotpatch discharges: HP005-data-initialiser opt_max_grant_frames by set_value and restore_value */

#define VARIABLE opt_max_grant_frames
#define WAS 64
#define IS 48

static void cf_check set_value(void)
{
    /* What an administrator chose stays. */
    if ( VARIABLE == WAS )
        VARIABLE = IS;
}

static void cf_check restore_value(void)
{
    if ( VARIABLE == IS )
        VARIABLE = WAS;
}

LIVEPATCH_LOAD_HOOK(set_value);
LIVEPATCH_UNLOAD_HOOK(restore_value);

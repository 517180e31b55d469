/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The patch changes an entry of a writable table that is initialised in the source. The running hypervisor's table stays as it is.
 *
 * The table is static: so these lines go to the end of the patched source, as a part of the patch, and not into a file of their own.
 * The hook compares before it writes, and the other writes only what the first one wrote.
 *
 * Where an entry holds a pointer, point to what the hypervisor has, never to what the patch brings: a string of the payload is gone when it
 * is unloaded.
 */
#include <xen/livepatch_payload.h>

/* hotpatch discharges: HP005-data-initialiser key_table by set_entry and restore_entry */

#define ENTRY key_table['t'].diagnostic
#define WAS 1
#define IS 0

static void cf_check set_entry(void)
{
    if ( ENTRY == WAS )
        ENTRY = IS;
}

static void cf_check restore_entry(void)
{
    if ( ENTRY == IS )
        ENTRY = WAS;
}

LIVEPATCH_LOAD_HOOK(set_entry);
LIVEPATCH_UNLOAD_HOOK(restore_entry);

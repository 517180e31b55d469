/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hooks without data of their own: a payload with these can be applied again after a revert. */
#include <xen/lib.h>
#include <xen/livepatch_payload.h>

static int cf_check before_apply(livepatch_payload_t *payload)
{
    printk("hook: before apply of %s\n", payload->name);
    return 0;
}

static void cf_check at_load(void)
{
    printk("hook: load\n");
}

static void cf_check after_apply(livepatch_payload_t *payload)
{
    printk("hook: after apply, rc %d\n", payload->rc);
}

static int cf_check before_revert(livepatch_payload_t *payload)
{
    printk("hook: before revert of %s\n", payload->name);
    return 0;
}

static void cf_check at_unload(void)
{
    printk("hook: unload\n");
}

static void cf_check after_revert(livepatch_payload_t *payload)
{
    printk("hook: after revert, rc %d\n", payload->rc);
}

LIVEPATCH_PREAPPLY_HOOK(before_apply);
LIVEPATCH_LOAD_HOOK(at_load);
LIVEPATCH_POSTAPPLY_HOOK(after_apply);
LIVEPATCH_PREREVERT_HOOK(before_revert);
LIVEPATCH_UNLOAD_HOOK(at_unload);
LIVEPATCH_POSTREVERT_HOOK(after_revert);

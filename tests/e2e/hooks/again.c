/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A hook that has Xen report -EAGAIN for a payload on which nothing is under way, once. */
#include <xen/errno.h>
#include <xen/lib.h>
#include <xen/livepatch_payload.h>

static bool asked;

static int cf_check before_apply(livepatch_payload_t *payload)
{
    if ( asked )
        return 0;
    asked = true;
    return -EAGAIN;
}

LIVEPATCH_PREAPPLY_HOOK(before_apply);

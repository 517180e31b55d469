// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a patch with shadow_field.c needs besides: when no thread runs the new code any more, nobody frees the shadow variables one by one.
 *
 * A later patch that takes this one's place has to know of them: it lists the state, with this version or a higher one, and its hooks free
 * them in the end. The kernel refuses one that does not.
 */
#include <linux/livepatch.h>

#define SHADOW_ID 0x68700003

void hotpatch_post_unpatch_vmlinux(struct klp_object *object)
{
	klp_shadow_free_all(SHADOW_ID, NULL);
}

struct klp_state hotpatch_states[] = { { .id = SHADOW_ID, .version = 1 }, { } };

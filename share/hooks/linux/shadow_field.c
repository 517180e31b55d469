// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A fix needs one more member in a struct. Objects that are alive have no room for it (HP001-layout), so that its value is kept beside
 * them: a shadow variable, found by the object's address and a number.
 *
 * These lines go into the patched source, before the first function that uses the new member, as a part of the patch. What frees such an
 * object must be patched too, and call shadow_free(): the next object at that address would inherit the value. Where an object came into
 * being before the patch, its value is made at the first use, and is zero.
 *
 * shadow_hooks.c goes along with it.
 */
#include <linux/livepatch.h>

#define SHADOW_ID 0x68700003

struct shadow_field {
	atomic_t reads; /* the new member */
};

/* Of this object; NULL only if there is no memory, which the caller has to stand. GFP_ATOMIC, as the caller may hold a lock. */
static inline struct shadow_field *shadow_of(void *object)
{
	return klp_shadow_get_or_alloc(object, SHADOW_ID, sizeof(struct shadow_field), GFP_ATOMIC, NULL, NULL);
}

static inline void shadow_free(void *object)
{
	klp_shadow_free(object, SHADOW_ID, NULL);
}

// SPDX-License-Identifier: GPL-2.0-or-later
// Only the static key of a branch is another.
// EXPECT-CHANGED: f
#include <linux/jump_label.h>
#include <linux/module.h>
DEFINE_STATIC_KEY_FALSE(first);
DEFINE_STATIC_KEY_FALSE(second);
#ifdef PATCHED
#define KEY second
#else
#define KEY first
#endif
int f(int x) { return static_branch_unlikely(&KEY) ? x * 7 : x; }
int g(int x) { return static_branch_unlikely(&first) ? x * 9 : x; }

// SPDX-License-Identifier: GPL-2.0-or-later
// Boot code registers a constant table, and nothing else refers to it: whoever it was given goes on with the original.
// EXPECT-REJECT: HP050-init
struct limits { int most; };
struct table { const struct limits *limits; };
extern void enroll(const struct table *table);
#ifdef PATCHED
static const struct limits limits = {64};
#else
static const struct limits limits = {4096};
#endif
static const struct table table = {&limits};
__attribute__((section(".init.text"))) void start(void) { enroll(&table); }

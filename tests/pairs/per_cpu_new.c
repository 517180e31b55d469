// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-REJECT: HP015-per-cpu
#ifdef PATCHED
__attribute__((section(".bss.percpu"))) int per_cpu__last;
int get(void) { return per_cpu__last; }
#else
int get(void) { return 0; }
#endif

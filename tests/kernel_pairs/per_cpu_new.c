// SPDX-License-Identifier: GPL-2.0-or-later
// A new per-CPU variable has no room in the running kernel.
// EXPECT-REJECT: HP015-per-cpu
#include <linux/module.h>
#include <linux/percpu.h>
#ifdef PATCHED
static DEFINE_PER_CPU(int, counter);
int f(int x) { return this_cpu_inc_return(counter) + x; }
#else
int f(int x) { return x; }
#endif

// SPDX-License-Identifier: GPL-2.0-or-later
// Only the CPU feature of an alternative is another, and the branch's out-of-line test with it.
// EXPECT-CHANGED: f
// EXPECT-TAKES: .altinstructions
// EXPECT-LEAVES: g
#include <asm/cpufeature.h>
#include <linux/module.h>
#ifdef PATCHED
#define FEATURE X86_FEATURE_ERMS
#else
#define FEATURE X86_FEATURE_FSRM
#endif
int f(int x) { return static_cpu_has(FEATURE) ? x * 7 : x; }
int g(int x) { return static_cpu_has(X86_FEATURE_FSRM) ? x * 9 : x; }

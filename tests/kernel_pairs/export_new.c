// SPDX-License-Identifier: GPL-2.0-or-later
// An export is read when the module is loaded, and never again.
// EXPECT-REJECT: HP052-boot-table
#include <linux/module.h>
int f(int x) { return x + 1; }
#ifdef PATCHED
EXPORT_SYMBOL_GPL(f);
#endif

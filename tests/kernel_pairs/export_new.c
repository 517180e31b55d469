// SPDX-License-Identifier: GPL-2.0-or-later
// An export is read when a module is loaded that needs it: the running system's table stays as it is, and no code is another.
// EXPECT-SAME
// EXPECT-WARN: HP053-export
#include <linux/module.h>
int f(int x) { return x + 1; }
#ifdef PATCHED
EXPORT_SYMBOL_GPL(f);
#endif

// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-REJECT: HP005-data-initialiser
#pragma GCC visibility push(hidden)
extern int allow(int), deny(int);
struct ops {
  int (*check)(int);
};
#ifdef PATCHED
struct ops xsm_ops = {deny};
#else
struct ops xsm_ops = {allow};
#endif
int check(int x) { return xsm_ops.check(x); }

// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-REJECT: HP036-patching-path
#pragma GCC visibility push(hidden)
extern int n;
int livepatch_do_action(int x) {
#ifdef PATCHED
  if (x < 0) return 0;
#endif
  return n += x;
}

// SPDX-License-Identifier: GPL-2.0-or-later
// TARGET: linux
// EXPECT-REJECT: HP036-patching-path
extern int n;
int klp_ftrace_handler(int x) {
#ifdef PATCHED
  if (x < 0) return 0;
#endif
  return n += x;
}

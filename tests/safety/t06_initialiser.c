// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-REJECT: HP005-data-initialiser
#pragma GCC visibility push(hidden)
#ifdef PATCHED
int sysctl_limit = 1000;
#else
int sysctl_limit = 100;
#endif
int over(int x) { return x > sysctl_limit; }

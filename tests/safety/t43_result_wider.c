// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-REJECT: HP024-prototype
#pragma GCC visibility push(hidden)
extern int* p;
#ifdef PATCHED
long count(int x) { return p[x] * 2L; }
#else
int count(int x) { return p[x] * 2; }
#endif

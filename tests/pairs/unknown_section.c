// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-REJECT: HP061-unknown-section
#ifdef PATCHED
__attribute__((section(".vendor.table"), used)) static int row = 7;
#endif
int get(void) { return 1; }

// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-REJECT: HP050-init
static volatile int value;
__attribute__((section(".init.text"))) void boot(void) {
#ifdef PATCHED
  value = 5;
#else
  value = 4;
#endif
}
int get(void) { return value; }

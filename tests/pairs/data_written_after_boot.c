// SPDX-License-Identifier: GPL-2.0-or-later
// A variable that the target makes read-only after boot, and that the patch begins to write to.
// EXPECT-REJECT: HP007-data-moved
#ifdef PATCHED
#define PLACE ".data.read_mostly"
#else
#define PLACE ".data.ro_after_init"
#endif
static int __attribute__((section(PLACE))) limit = 5;
int get(void) { return limit; }
void __attribute__((section(".init.text"))) boot(int value) { limit = value; }
int set(int value) {
#ifdef PATCHED
  limit = value;
#endif
  return value;
}

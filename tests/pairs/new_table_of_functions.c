// SPDX-License-Identifier: GPL-2.0-or-later
// A new table that holds the address of a patched function holds that of the original's entry, so that it outlives the payload.
// EXPECT-CHANGED: handler install
// EXPECT-NEW: table
// EXPECT-TAKES: handler table
// EXPECT-DATA-REFERS: handler
struct ops {
  int (*run)(int);
  int (*stop)(int);
};
extern void keep(const struct ops*);
extern int stop(int);
__attribute__((noinline)) int handler(int x) {
#ifdef PATCHED
  return x + 2;
#else
  return x + 1;
#endif
}
#ifdef PATCHED
static struct ops table = {handler, stop};
#endif
void install(void) {
#ifdef PATCHED
  keep(&table);
#else
  keep(0);
#endif
}

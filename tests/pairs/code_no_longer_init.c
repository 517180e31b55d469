// SPDX-License-Identifier: GPL-2.0-or-later
// A function that was there at boot only is needed later: a new one goes along, for the memory of the original is something else by now.
// TARGET: linux
// EXPECT-CHANGED: f
// EXPECT-NEW: helper
// EXPECT-TAKES: f helper
extern int sink(int);
#ifdef PATCHED
#define INIT
#else
#define INIT __attribute__((section(".init.text")))
#endif
static __attribute__((noinline)) INIT int helper(int x) { return sink(x) * 3 + 1; }
int __attribute__((section(".init.text"))) boot(int x) { return helper(x) + 1; }
int f(int x) {
#ifdef PATCHED
  if (x < 0) return helper(x);
#endif
  return sink(x);
}

// SPDX-License-Identifier: GPL-2.0-or-later
// The pointer to a hook is read by the loader alone: no state that could get lost.
// EXPECT-CHANGED: f
// EXPECT-NEW: prepare hook
// EXPECT-CLASS: A
// SOURCES: yes
#pragma GCC visibility push(hidden)
extern int n;
int f(int x) {
#ifdef PATCHED
  if (x < 0) return 0;
#endif
  return n + x;
}
#ifdef PATCHED
extern int ready(void);
static int prepare(void) { return ready(); }
static int (*__attribute__((section(".livepatch.hooks.preapply"), used)) hook)(void) = prepare;
#endif

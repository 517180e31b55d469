// SPDX-License-Identifier: GPL-2.0-or-later
// The address keeps its distance and is that of another function: one of equal size is where the other was. caller's bytes are the same,
// and what is taken along of it says whose address it means.
// ONLY: gcc
// FLAGS: -fno-function-sections -fno-toplevel-reorder
// EXPECT-CHANGED: caller
// EXPECT-LEAVES: second target
extern int sink(int), call(int (*)(int));
#ifdef PATCHED
static __attribute__((noinline)) int second(int x) { return sink(x) * 5 + 1; }
static __attribute__((noinline)) int target(int x) { return sink(x) * 3 + 1; }
#else
static __attribute__((noinline)) int target(int x) { return sink(x) * 3 + 1; }
static __attribute__((noinline)) int second(int x) { return sink(x) * 5 + 1; }
#endif
int (*keep_target)(int) = target;
int (*keep_second)(int) = second;
#ifdef PATCHED
int caller(void) { return call(second) + 1; }
#else
int caller(void) { return call(target) + 1; }
#endif

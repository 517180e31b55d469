// SPDX-License-Identifier: GPL-2.0-or-later
// The call keeps its distance and has another function to go to: one of equal size is before the other now. caller's bytes are the same.
// ONLY: gcc
// FLAGS: -fno-function-sections -fno-toplevel-reorder
// EXPECT-CHANGED: caller
extern int sink(int);
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
int caller(int x) { return second(x) + 1; }
#else
int caller(int x) { return target(x) + 1; }
#endif

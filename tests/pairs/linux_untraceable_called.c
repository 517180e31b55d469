// SPDX-License-Identifier: GPL-2.0-or-later
// A function that the tracer does not see cannot be redirected, but those that call it can: they are taken along with it, whatever stands
// between them.
// TARGET: linux
// FLAGS: -fno-optimize-sibling-calls
// EXPECT-CHANGED: inner middle outer
// EXPECT-NOTE: HP029-callers
// EXPECT-TAKES: inner middle outer
// EXPECT-LEAVES: other
#define HIDDEN __attribute__((no_instrument_function, noinline))
int state;
static HIDDEN int inner(int x) {
#ifdef PATCHED
  state += 2;
#else
  state += 1;
#endif
  return state * x;
}
static HIDDEN int middle(int x) { return inner(x + state) + 5; }
int outer(int x) { return middle(x) + state; }
int other(int x) { return x + state; }

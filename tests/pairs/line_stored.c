// SPDX-License-Identifier: GPL-2.0-or-later
// The same without the sources, where nothing says that the number is not its line's: what is stored in an object is taken for a change,
// what is passed on is not.
// EXPECT-CHANGED: leave
struct state { int now; };
extern void set_state(struct state *state, int now);
void enter(struct state *state, int x) {
#ifdef PATCHED
#line 109
#else
#line 106
#endif
  set_state(state + x, __LINE__);
}
void leave(struct state *state) {
#ifdef PATCHED
#line 209
  state->now = 209;
#else
#line 206
  state->now = 206;
#endif
}

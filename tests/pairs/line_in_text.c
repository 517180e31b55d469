// SPDX-License-Identifier: GPL-2.0-or-later
// A constant that happens to be the number of its own line, and is moved along with it: with the sources it is a change.
// SOURCES: yes
// EXPECT-REJECT: HP043-constant
struct state { int now; };
extern void set_state(struct state *state, int now);
void enter(struct state *state, int x) {
#ifdef PATCHED
#line 109
  set_state(state + x, 109);
#else
#line 106
  set_state(state + x, 106);
#endif
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

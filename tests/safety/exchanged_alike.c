// SPDX-License-Identifier: GPL-2.0-or-later
// The same exchange, behind a check.
// EXPECT-CHANGED: enter
// EXPECT-CLASS: A
// SOURCES: yes
#pragma GCC visibility push(hidden)
struct word {
  unsigned state;
};
extern int may_enter(struct word* word);
unsigned enter(struct word* word) {
#ifdef PATCHED
  if (!may_enter(word)) return 0;
#endif
  return __atomic_exchange_n(&word->state, 1, 5);
}

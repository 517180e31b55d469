// SPDX-License-Identifier: GPL-2.0-or-later
// A state is exchanged, by builtins of the compiler.
// EXPECT-REJECT: HP043-constant
// SOURCES: yes
#pragma GCC visibility push(hidden)
struct word {
  unsigned state;
};
#ifdef PATCHED
#define OWNED 2
#else
#define OWNED 1
#endif
int claim(struct word* word) { return __sync_val_compare_and_swap(&word->state, 0, OWNED) == 0; }
unsigned enter(struct word* word) { return __atomic_exchange_n(&word->state, OWNED, 5); }
void leave(struct word* word) { word->state = 0; }

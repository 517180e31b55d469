// SPDX-License-Identifier: GPL-2.0-or-later
// A bound that was too large, one of a table that the patch brings, and one that was too small for what the source makes.
// EXPECT-CHANGED: fewer fixed own.0 more
// CLANG-EXPECT-CHANGED: fewer fixed more
// CLANG-EXPECT-CLASS: A
// EXPECT-CLASS: A
// SOURCES: yes
#pragma GCC visibility push(hidden)
extern unsigned long shared[64];
#ifdef PATCHED
#define LIMIT 32
#define MORE 16
#else
#define LIMIT 64
#define MORE 12
#endif
unsigned long fewer(unsigned at) { return at < LIMIT ? shared[at] : 0; }
static struct {
  long first;
  int slots[16];
} state;
int* more(unsigned at) { return at < MORE ? &state.slots[at] : 0; }
int fixed(unsigned at) {
#ifdef PATCHED
  static const int own[] = {10, 21, 32, 43, 54, 65, 76, 87};
  return at < 8 ? own[at] : 0;
#else
  static const int own[] = {10, 21, 32, 43};
  return at < 4 ? own[at] : 0;
#endif
}

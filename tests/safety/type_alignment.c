// SPDX-License-Identifier: GPL-2.0-or-later
// Objects alive lie where the old alignment allowed, and the new code may use instructions that need the new one.
// EXPECT-REJECT: HP001-layout
// EXPECT-SAYS: aligned to
#pragma GCC visibility push(hidden)
#ifdef PATCHED
#define ALIGNED __attribute__((aligned(32)))
#else
#define ALIGNED
#endif
struct ALIGNED record {
  char data[64];
};
extern void* allocate(unsigned long size);
struct record* make(int n) {
  struct record* record = allocate(sizeof *record);
#ifdef PATCHED
  if (!record) return 0;
#endif
  for (int i = 0; i < 64; i++) record->data[i] = (char)n;
  return record;
}

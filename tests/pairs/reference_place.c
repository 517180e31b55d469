// SPDX-License-Identifier: GPL-2.0-or-later
// The address goes into the instruction's other field: its bytes are the same but for what is filled in.
// TARGET: linux
// EXPECT-CHANGED: f
#ifdef PATCHED
#define MOVE "movq $state, 0"
#else
#define MOVE "movq $0, state"
#endif
long state;
void f(void) { asm volatile(MOVE ::: "memory"); }

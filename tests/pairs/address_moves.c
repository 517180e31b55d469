// SPDX-License-Identifier: GPL-2.0-or-later
// Bytes and references are the same, but the reference fills another field of the instruction.
// EXPECT-CHANGED: f
int state;
void f(void) {
#ifdef PATCHED
  asm volatile("movl $state, 0");
#else
  asm volatile("movl $0, state");
#endif
}

// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-CHANGED: setup
// EXPECT-NEW: handler2
// EXPECT-WARN: HP041-new-function-pointer
// EXPECT-PINNED: handler2
// SOURCES: yes
#pragma GCC visibility push(hidden)
extern int request_irq(unsigned irq, void (*handler)(int), void* data);
extern int count;
void handler(int irq) { count += irq; }
#ifdef PATCHED
static void handler2(int irq) { count += irq > 0; }
#endif
int setup(void* data) {
#ifdef PATCHED
  return request_irq(3, handler2, data);
#else
  return request_irq(3, handler, data);
#endif
}

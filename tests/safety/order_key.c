// SPDX-License-Identifier: GPL-2.0-or-later
// A list that was sorted by one member, and is by another.
// EXPECT-REJECT: HP04C-order
// SOURCES: yes
#pragma GCC visibility push(hidden)
struct timer {
  struct timer* next;
  unsigned long expires, priority;
};
extern struct timer* timers;
void enqueue(struct timer* timer) {
  struct timer** place = &timers;
#ifdef PATCHED
  while (*place && (*place)->priority < timer->priority) place = &(*place)->next;
#else
  while (*place && (*place)->expires < timer->expires) place = &(*place)->next;
#endif
  timer->next = *place;
  *place = timer;
}

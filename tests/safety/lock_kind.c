// SPDX-License-Identifier: GPL-2.0-or-later
// A writer that only reads now, as far as the lock is concerned.
// TARGET: linux
// EXPECT-CHANGED: update
// EXPECT-WARN: HP05D-lock-kind
// EXPECT-CLASS: B
// SOURCES: yes
struct s {
  int semaphore;
  int value;
};
extern void down_write(int* lock);
extern void up_write(int* lock);
extern void down_read(int* lock);
extern void up_read(int* lock);
void update(struct s* s) {
#ifdef PATCHED
  down_read(&s->semaphore);
  s->value = 1;
  up_read(&s->semaphore);
#else
  down_write(&s->semaphore);
  s->value = 1;
  up_write(&s->semaphore);
#endif
}

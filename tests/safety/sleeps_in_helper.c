// SPDX-License-Identifier: GPL-2.0-or-later
// The function that changes takes no lock: those that call it hold one.
// TARGET: linux
// EXPECT-CHANGED: fill
// EXPECT-WARN: HP028-sleeps
// SOURCES: yes
struct s {
  int lock;
  int* buffer;
};
extern void spin_lock(int* lock);
extern void spin_unlock(int* lock);
extern void msleep(unsigned milliseconds);
__attribute__((noinline)) int fill(struct s* s) {
#ifdef PATCHED
  msleep(1);
  return s->buffer[1];
#else
  return s->buffer[0];
#endif
}
int op(struct s* s) {
  spin_lock(&s->lock);
  const int result = fill(s);
  spin_unlock(&s->lock);
  return result;
}

// SPDX-License-Identifier: GPL-2.0-or-later
// A lock takes the place of RCU, which another function goes on reading under: readers never kept each other out.
// TARGET: linux
// EXPECT-CHANGED: op
// EXPECT-WARN: HP023-lock
// SOURCES: yes
struct mutex {
  int v;
};
struct s {
  struct mutex lock;
  int n;
};
extern void mutex_lock(struct mutex* lock);
extern void mutex_unlock(struct mutex* lock);
extern void rcu_read_lock(void);
extern void rcu_read_unlock(void);
int other(struct s* s) {
  rcu_read_lock();
  const int n = s->n;
  rcu_read_unlock();
  return n;
}
int op(struct s* s, int x) {
#ifdef PATCHED
  mutex_lock(&s->lock);
#else
  rcu_read_lock();
#endif
  const int n = s->n + x;
#ifdef PATCHED
  mutex_unlock(&s->lock);
#else
  rcu_read_unlock();
#endif
  return n;
}

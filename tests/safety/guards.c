// SPDX-License-Identifier: GPL-2.0-or-later
// A lock that is released at the end of a scope is the one that the scope began with.
// TARGET: linux
// EXPECT-CHANGED: op irq_op
// EXPECT-CLASS: A
// SOURCES: yes
struct mutex {
  int v;
};
typedef struct {
  int v;
} spinlock_t;
extern void mutex_lock(struct mutex* lock);
extern void mutex_unlock(struct mutex* lock);
extern unsigned long _raw_spin_lock_irqsave(spinlock_t* lock);
extern void _raw_spin_unlock_irqrestore(spinlock_t* lock, unsigned long flags);
#define DEFINE_CLASS(name, type, end, begin, arguments...)                                    \
  typedef type class_##name##_t;                                                              \
  static inline void class_##name##_destructor(type* p) {                                     \
    type _T = *p;                                                                             \
    end;                                                                                      \
  }                                                                                           \
  static inline type class_##name##_constructor(arguments) {                                  \
    type t = begin;                                                                           \
    return t;                                                                                 \
  }
#define GUARD(name, scope) \
  class_##name##_t scope __attribute__((cleanup(class_##name##_destructor))) = class_##name##_constructor
DEFINE_CLASS(mutex, struct mutex*, if (_T) { mutex_unlock(_T); }, ({ mutex_lock(_T); _T; }), struct mutex* _T)
typedef struct {
  spinlock_t* lock;
  unsigned long flags;
} class_irqsave_t;
static inline void class_irqsave_destructor(class_irqsave_t* _T) {
  if (_T->lock) _raw_spin_unlock_irqrestore(_T->lock, _T->flags);
}
static inline class_irqsave_t class_irqsave_constructor(spinlock_t* lock) {
  class_irqsave_t t = {.lock = lock}, *_T = &t;
  _T->flags = _raw_spin_lock_irqsave(_T->lock);
  return t;
}
struct s {
  struct mutex mutex;
  spinlock_t lock;
  int n;
};
#ifdef PATCHED
int op(struct s* s, int x) {
  GUARD(mutex, scope)(&s->mutex);
  if (x > 5) return -22;
  return s->n + x;
}
int irq_op(struct s* s, int x) {
  GUARD(irqsave, scope)(&s->lock);
  if (x > 5) return -22;
  return s->n + x;
}
#else
int op(struct s* s, int x) {
  mutex_lock(&s->mutex);
  const int n = s->n + x;
  mutex_unlock(&s->mutex);
  return n;
}
int irq_op(struct s* s, int x) {
  const unsigned long flags = _raw_spin_lock_irqsave(&s->lock);
  const int n = s->n + x;
  _raw_spin_unlock_irqrestore(&s->lock, flags);
  return n;
}
#endif

// SPDX-License-Identifier: GPL-2.0-or-later
// The first use of an atomic operation that only reads.
// EXPECT-CHANGED: arm
// EXPECT-CLASS: A
// SOURCES: yes
#pragma GCC visibility push(hidden)
typedef struct {
  int counter;
} atomic_t;
static inline void atomic_inc(atomic_t* value) { asm volatile("lock; incl %0" : "+m"(value->counter)); }
static inline _Bool atomic_dec_and_test(atomic_t* value) {
  _Bool is_zero;
  asm volatile("lock; decl %0; sete %1" : "+m"(value->counter), "=qm"(is_zero));
  return is_zero;
}
static inline int atomic_read(const atomic_t* value) { return *(const volatile int*)&value->counter; }
struct object {
  atomic_t references;
};
extern void release(struct object* object);
extern void start(struct object* object);
void arm(struct object* object) {
#ifdef PATCHED
  if (atomic_read(&object->references) == 0) return;
#endif
  start(object);
}

// SPDX-License-Identifier: GPL-2.0-or-later
// Changes of the kind that most fixes of security bugs are: any of them may be applied to a system that runs, and forgotten.
// EXPECT-CHANGED: null_check bounds unlock_on_error fresh_local loop_bound comparison free_on_error use_after_free overflow allocation
// EXPECT-CHANGED: read_once permission copy_size list_removal wider_lock wider_type dead_object other_object cancelled truncation
// EXPECT-CLASS: A
// SOURCES: yes
#pragma GCC visibility push(hidden)
struct list {
  struct list *next, *prev;
};
struct lock {
  int v;
};
struct object {
  struct list link;
  struct lock lock;
  int *pointer, n, limit, dead;
  unsigned length;
  unsigned long size;
  char name[16];
  int table[8];
  void* buffer;
};
struct shared {
  unsigned length;
  char data[64];
};
extern void spin_lock(struct lock* lock);
extern void spin_unlock(struct lock* lock);
extern void list_del(struct list* list);
extern void *kmalloc(unsigned long size, unsigned flags), *memcpy(void* to, const void* from, unsigned long size);
extern void *memset(void* what, int value, unsigned long size), kfree(void* what);
extern void use(int value);
extern int refuses(int value), copy_out(const void* what, unsigned long size), may(int capability);
extern int cancel_work_sync(struct object* object);
#ifdef PATCHED
#define FIX(...) __VA_ARGS__
#define WAS(...)
#else
#define FIX(...)
#define WAS(...) __VA_ARGS__
#endif
int null_check(struct object* object) {
  FIX(if (!object->pointer) return -22;)
  return *object->pointer;
}
int bounds(struct object* object, unsigned at) {
  FIX(if (at >= 8) return -22;)
  return object->table[at];
}
int unlock_on_error(struct object* object, int x) {
  spin_lock(&object->lock);
  if (x < 0) {
    FIX(spin_unlock(&object->lock);)
    return -22;
  }
  object->n += x;
  spin_unlock(&object->lock);
  return 0;
}
int fresh_local(int x) {
  struct {
    int one;
    char other;
    long last;
  } reply;
  FIX(memset(&reply, 0, sizeof reply);)
  reply.one = x;
  reply.other = 1;
  reply.last = 2;
  return copy_out(&reply, sizeof reply);
}
int loop_bound(struct object* object) {
  int sum = 0;
  for (int i = 0; i FIX(<) WAS(<=) 8; i++) sum += object->table[i];
  return sum;
}
int comparison(struct object* object, unsigned at) {
  if (at FIX(>=) WAS(>) object->length) return -1;
  return object->name[at];
}
int free_on_error(int x) {
  char* buffer = kmalloc(10, 0);
  if (!buffer) return -12;
  if (refuses(x)) {
    FIX(kfree(buffer);)
    return -5;
  }
  use(buffer[0]);
  kfree(buffer);
  return 0;
}
void use_after_free(struct object* object) {
  FIX(use(object->n);)
  kfree(object);
  WAS(use(object->n);)
}
void* overflow(unsigned count) {
  FIX(if (count > 1000) return 0;)
  return kmalloc(count * 16, 0);
}
int allocation(int x) {
  int* buffer = kmalloc(16, 0);
  FIX(if (!buffer) return -12;)
  buffer[0] = x;
  const int result = copy_out(buffer, 16);
  kfree(buffer);
  return result;
}
int read_once(volatile struct shared* shared, char* out) {
#ifdef PATCHED
  const unsigned length = shared->length;
  if (length > 64) return -1;
  for (unsigned i = 0; i < length; i++) out[i] = shared->data[i];
#else
  if (shared->length > 64) return -1;
  for (unsigned i = 0; i < shared->length; i++) out[i] = shared->data[i];
#endif
  return 0;
}
int permission(int x) {
  FIX(if (!may(21)) return -1;)
  use(x);
  return 0;
}
void copy_size(struct object* object, const char* name, unsigned long length) {
  memcpy(object->name, name, FIX(length < 15 ? length : 15) WAS(length));
}
void list_removal(struct object* object) {
  FIX(list_del(&object->link);)
  kfree(object);
}
int wider_lock(struct object* object) {
  int result;
  WAS(result = object->limit;)
  spin_lock(&object->lock);
  FIX(result = object->limit;)
  object->n++;
  spin_unlock(&object->lock);
  return result;
}
int wider_type(struct object* object, unsigned one, unsigned other) {
  if (FIX((unsigned long)) one * other > object->size) return -1;
  return 0;
}
int dead_object(struct object* object) {
  spin_lock(&object->lock);
  FIX(if (object->dead) { spin_unlock(&object->lock); return -19; })
  const int result = object->n;
  spin_unlock(&object->lock);
  return result;
}
int other_object(struct object* one, struct object* other) {
  if (one->n > FIX(other) WAS(one)->n) return one->limit;
  return other->limit;
}
void cancelled(struct object* object) {
  FIX(cancel_work_sync(object);)
  kfree(object->buffer);
  kfree(object);
}
int truncation(unsigned long value) {
  FIX(if (value > 0x7fffffff) return -34;)
  return (int)value;
}

// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-CHANGED: submit
// EXPECT-WARN: HP04C-order
// SOURCES: yes
#pragma GCC visibility push(hidden)
struct list {
  struct list *next, *prev;
};
struct job {
  struct list link;
  int n;
};
extern struct list queue;
static inline void __list_add(struct list* one, struct list* before, struct list* after) {
  after->prev = one;
  one->next = after;
  one->prev = before;
  before->next = one;
}
static inline void list_add(struct list* one, struct list* head) { __list_add(one, head, head->next); }
static inline void list_add_tail(struct list* one, struct list* head) { __list_add(one, head->prev, head); }
void submit(struct job* job) {
#ifdef PATCHED
  list_add(&job->link, &queue);
#else
  list_add_tail(&job->link, &queue);
#endif
}

// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-CHANGED: finish
// EXPECT-CLASS: A
// SOURCES: yes
#pragma GCC visibility push(hidden)
struct job {
  int state;
};
extern int ready(struct job* job);
void start(struct job* job) { job->state = 1; }
void finish(struct job* job) {
#ifdef PATCHED
  if (!ready(job)) {
    job->state = 1;
    return;
  }
#endif
  job->state = 2;
}

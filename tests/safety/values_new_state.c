// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-REJECT: HP043-constant
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
    job->state = 7;
    return;
  }
#endif
  job->state = 2;
}
int is_done(struct job* job) { return job->state == 2; }

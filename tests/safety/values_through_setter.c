// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-REJECT: HP043-constant
// SOURCES: yes
#pragma GCC visibility push(hidden)
struct job {
  int state;
};
__attribute__((noinline)) static void set(struct job* job, int state) { job->state = state; }
void start(struct job* job) {
#ifdef PATCHED
  set(job, 3);
#else
  set(job, 2);
#endif
}
void stop(struct job* job) { set(job, 1); }

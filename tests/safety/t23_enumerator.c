// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-REJECT: HP003-enumerator
#pragma GCC visibility push(hidden)
#ifdef PATCHED
enum state { ST_NEW = 1, ST_BUSY = 2, ST_DONE = 3 };
#else
enum state { ST_NEW = 1, ST_DONE = 2 };
#endif
struct job {
  enum state state;
};
void finish(struct job* job) { job->state = ST_DONE; }

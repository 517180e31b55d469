// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-REJECT: HP043-constant
// SOURCES: yes
#pragma GCC visibility push(hidden)
struct job {
  unsigned long flags;
};
extern void set_bit(int nr, volatile unsigned long* addr);
void start(struct job* job) {
#ifdef PATCHED
  set_bit(5, &job->flags);
#else
  set_bit(4, &job->flags);
#endif
}

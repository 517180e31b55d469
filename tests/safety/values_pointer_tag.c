// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-REJECT: HP045-expression
// SOURCES: yes
#pragma GCC visibility push(hidden)
struct job {
  unsigned long owner;
};
void own(struct job* job, void* owner) {
#ifdef PATCHED
  job->owner = (unsigned long)owner | 1;
#else
  job->owner = (unsigned long)owner;
#endif
}
unsigned long owner_of(struct job* job) {
#ifdef PATCHED
  return job->owner & ~1ul;
#else
  return job->owner;
#endif
}

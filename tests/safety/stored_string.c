// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-CHANGED: name_it
// EXPECT-WARN: HP017-stored-pointer
// EXPECT-CLASS: B
// SOURCES: yes
#pragma GCC visibility push(hidden)
struct job {
  const char* name;
  int x;
};
void name_it(struct job* job, int x) {
#ifdef PATCHED
  if (x < 0) return;
#endif
  job->name = "worker";
  job->x = x;
}

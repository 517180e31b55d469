// SPDX-License-Identifier: GPL-2.0-or-later
// A line number that is one, with the sources: nothing changes.
// SOURCES: yes
// EXPECT-SAME
extern void report(const char *file, int x, int line);
void enter(int x) {
#ifdef PATCHED
#line 109
#else
#line 106
#endif
  if (x > 3) report("file", x, __LINE__);
}

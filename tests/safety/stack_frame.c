// SPDX-License-Identifier: GPL-2.0-or-later
// SOURCES: yes
// EXPECT-CHANGED: f
// EXPECT-WARN: HP059-stack
#pragma GCC visibility push(hidden)
extern int fill(char* buffer);
int f(int x) {
#ifdef PATCHED
  char buffer[1024];
  if (fill(buffer) < 0) return 0;
#endif
  return x * 3;
}

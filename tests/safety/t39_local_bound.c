// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-CHANGED: send
// EXPECT-NOTE: HP046-macro
// SOURCES: yes
#pragma GCC visibility push(hidden)
#ifdef PATCHED
#define MESSAGE_MAX 200
#else
#define MESSAGE_MAX 100
#endif
extern int format(char* buffer, unsigned long size, int x);
int send(int x) {
  char buffer[MESSAGE_MAX];
  return format(buffer, MESSAGE_MAX, x);
}

// SPDX-License-Identifier: GPL-2.0-or-later
// An error number by way of a pointer is what a caller is told.
// EXPECT-CHANGED: look
// EXPECT-CLASS: A
// SOURCES: yes
#pragma GCC visibility push(hidden)
extern int find(int number);
int look(int number, int* error) {
  if (find(number)) return 1;
#ifdef PATCHED
  *error = -2;
#else
  *error = -22;
#endif
  return 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-SAME
#pragma GCC visibility push(hidden)
extern void warn(const char* file, int line);
#ifdef PATCHED
// A line more.
#endif
void f(int x) {
  if (x < 0) warn("f", __LINE__);
}

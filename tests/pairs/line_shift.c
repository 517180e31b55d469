// SPDX-License-Identifier: GPL-2.0-or-later
// Lines move, and the debugging information with them; nothing that runs does.
// EXPECT-SAME
#ifdef PATCHED
#line 300
#endif
static int state;
static const char* const names[] = {"one", "two"};
const char* f(int x) {
  static int calls;
  state += ++calls;
  return names[x & 1];
}

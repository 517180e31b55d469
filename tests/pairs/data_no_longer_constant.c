// SPDX-License-Identifier: GPL-2.0-or-later
// A table that the patch begins to write to: the running system has it among its constants.
// EXPECT-REJECT: HP007-data-moved
#ifdef PATCHED
static int table[5] = {1, 2, 3, 4, 5};
#else
static const int table[5] = {1, 2, 3, 4, 5};
#endif
int get(unsigned i) { return table[i]; }
int set(unsigned i, int value) {
#ifdef PATCHED
  table[i] = value;
#endif
  return value;
}

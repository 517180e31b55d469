// SPDX-License-Identifier: GPL-2.0-or-later
// A table of strings, which clang makes of displacements from the table's start: one string changes.
// EXPECT-CHANGED: name names
// CLANG-EXPECT-CHANGED: name names.rel
static const char* const names[] = {
    "zero", "one",
#ifdef PATCHED
    "zwei",
#else
    "two",
#endif
    "three", "four", "five",
};
const char* name(unsigned x) { return names[x % 6]; }

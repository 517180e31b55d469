// SPDX-License-Identifier: GPL-2.0-or-later
// A table that the profile does not know changes in what it refers to: said with the place, the function, and the size of a record.
// EXPECT-REJECT: HP061-unknown-section
// EXPECT-SAYS: records of 16 bytes
// CLANG-EXPECT-REJECT: HP061-unknown-section
extern int a(int), b(int), c(int);
struct row {
  int (*run)(int);
  long flags;
};
__attribute__((section(".vendor.table"), used)) static const struct row rows[] = {
    {a, 1},
    {b, 2},
#ifdef PATCHED
    {c, 3},
#else
    {a, 3},
#endif
};

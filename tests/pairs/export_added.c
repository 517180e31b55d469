// SPDX-License-Identifier: GPL-2.0-or-later
// An export is read when a module is loaded that needs it: the running system's table stays as it is, and no code is another.
// TARGET: linux
// EXPECT-SAME
// EXPECT-WARN: HP053-export
int f(int x) { return x + 1; }
#ifdef PATCHED
struct kernel_symbol { int value, name, space; };
static const char name[] __attribute__((section("__ksymtab_strings"), used)) = "f";
asm(".section \"___ksymtab+f\", \"a\"\n__ksymtab_f: .long f - ., name - ., 0\n.previous");
#endif

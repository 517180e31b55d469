// SPDX-License-Identifier: GPL-2.0-or-later
// The unlikely path that assembly puts behind the function's end, without a name, is the function's: a change in it is found, and it
// travels, with the reference that it holds.
// EXPECT-CHANGED: f
// EXPECT-LEAVES: slow_path
#ifdef PATCHED
#define MASK "0x3"
#else
#define MASK "0x1"
#endif
int slow_path(int x);
__attribute__((noinline)) int f(int x) {
  asm volatile("testl $1, %0\n\tjnz 1f\n2:\n\t.subsection 1\n1:\tandl $" MASK ", %0\n\tcall slow_path\n\tjmp 2b\n\t.previous" : "+r"(x));
  return x + 1;
}
int g(int x) { return f(x) * 2; }

// SPDX-License-Identifier: GPL-2.0-or-later
// Only the out-of-line part of a function differs: the function is patched with it.
// EXPECT-CHANGED: f f.cold
// CLANG-EXPECT-CHANGED: f
extern void report(const char*, int) __attribute__((cold));
int f(int x) {
  if (__builtin_expect(x < 0, 0)) {
#ifdef PATCHED
    report("negative", x + 1);
#else
    report("negative", x);
#endif
    return -1;
  }
  return x * 2;
}

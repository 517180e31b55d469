// SPDX-License-Identifier: GPL-2.0-or-later
// The name of an initcall's entry holds __COUNTER__ and __LINE__: whatever counts before it moves both, and the entry is the same.
// TARGET: linux
// EXPECT-CHANGED: op
#define PASTE2(a, b) a##b
#define PASTE(a, b) PASTE2(a, b)
#define ENTRY(fn) PASTE(__initcall__kmod_acpi__, PASTE(__COUNTER__, PASTE(_, PASTE(__LINE__, PASTE(_, PASTE(fn, 4))))))
#define INITCALL_AS(fn, name) \
  static int (*const name)(void) __attribute__((used, section(".initcall4.init"))) = fn
#define INITCALL(fn) INITCALL_AS(fn, ENTRY(fn))

static __attribute__((section(".init.text"), used)) int start(void) { return 0; }
static __attribute__((section(".init.text"), used)) int start_more(void) { return 1; }
int op(int x) {
#ifdef PATCHED
  int PASTE(guard_, __COUNTER__) = 5;
  if (x > 7) return -22;
#endif
  return x * 3;
}
INITCALL(start);
INITCALL(start_more);

// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-REJECT: HP081-hook-calls
#pragma GCC visibility push(hidden)
extern int n;
__attribute__((noinline)) int f(int x) {
#ifdef PATCHED
  if (x < 0) return 0;
#endif
  return n += x;
}
#ifdef PATCHED
static void prepare(void) { f(1); }
static void* __attribute__((section(".livepatch.hooks.load"), used)) hook = (void*)prepare;
#endif

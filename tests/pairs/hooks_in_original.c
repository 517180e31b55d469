// SPDX-License-Identifier: GPL-2.0-or-later
// A base has no hooks: a source that has some was a patch already.
// EXPECT-REJECT: HP066-hooks
extern int n;
static void prepare(void) {
#ifdef PATCHED
  n = 1;
#else
  n = 2;
#endif
}
static void __attribute__((noinline)) other(void) { n = 3; }
#ifdef PATCHED
static void* __attribute__((section(".livepatch.hooks.load"), used)) hook = (void*)prepare;
#else
static void* __attribute__((section(".livepatch.hooks.load"), used)) hook = (void*)other;
#endif

// SPDX-License-Identifier: GPL-2.0-or-later
// TARGET: linux
// EXPECT-REJECT: HP062-new-key
struct key {
  int enabled;
};
extern int n;
#ifdef PATCHED
static struct key fast;
#endif
int f(int x) {
#ifdef PATCHED
  asm goto("1: nopl 0(%%rax, %%rax)\n\t.pushsection __jump_table, \"aw\"\n\t.long 1b - ., %l[out] - .\n\t.quad %c0 - .\n\t.popsection"
           :
           : "i"(&fast)
           :
           : out);
  n += 2;
out:
#endif
  return n += x;
}
#ifdef PATCHED
void enable(void) { fast.enabled = 1; }
#endif

// SPDX-License-Identifier: GPL-2.0-or-later
// A once flag in a changed function is the original's where it can be told, and a new use brings one of its own.
// TARGET: linux
// EXPECT-CHANGED: f
// EXPECT-LEAVES: g
extern void report(const char*);
#define ONCE(text)                                                                        \
  do {                                                                                    \
    static _Bool __attribute__((section(".data.once"))) __already_done;                   \
    if (!__already_done) __already_done = 1, report(text);                                \
  } while (0)
int f(int x) {
#ifdef PATCHED
  if (x > 9) ONCE("large");
#endif
  if (x < 0) ONCE("negative");
  return x;
}
int g(int x) {
  if (x < 0) ONCE("negative in g");
  return x + 1;
}

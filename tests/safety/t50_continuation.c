// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-REJECT: HP058-continuation
// SOURCES: yes
#pragma GCC visibility push(hidden)
extern long hypercall_create_continuation(unsigned op, const char* format, ...);
extern int preempt(void);
extern void step(unsigned long i);
#ifdef PATCHED
#define SHIFT 8
#else
#define SHIFT 6
#endif
long do_op(unsigned long cmd, unsigned long end) {
  unsigned long start = cmd >> SHIFT;
  for (; start < end; ++start) {
    if (preempt()) return hypercall_create_continuation(12, "ll", (start << SHIFT) | 3, end);
    step(start);
  }
  return 0;
}

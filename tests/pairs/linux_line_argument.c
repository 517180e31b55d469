// SPDX-License-Identifier: GPL-2.0-or-later
// Without debugging information a number is a line's if it is passed to a function that takes it for one; elsewhere it is a change.
// TARGET: linux
// FLAGS: -g0
// EXPECT-CHANGED: counts
// EXPECT-NOTE: HP068-line-only
// EXPECT-WARN: HP069-line-unproven
extern void warn_slowpath_null(const char*, int), warn_slowpath_fmt(const char*, int, const char*, ...);
extern void __might_sleep(const char*, int, int), ___might_sleep(const char*, int, int), count(const char*, int);
extern void __btrfs_abort_transaction(void*, const char*, unsigned, int);
extern int __warn_printk(const char*, ...);
#ifdef PATCHED
#line 140 "unit.c"
#else
#line 100 "unit.c"
#endif
int warns(int x) {
  if (x == 3) warn_slowpath_null(__FILE__, __LINE__);
  if (x == 4) warn_slowpath_fmt(__FILE__, __LINE__, "four %d", x);
  return x;
}
int sleeps(int x) {
  __might_sleep(__FILE__, __LINE__, 0);
  ___might_sleep(__FILE__, __LINE__, x);
  return x;
}
int aborts(void* x, int error) {
  if (error < 0) __btrfs_abort_transaction(x, __func__, __LINE__, error);
  return __warn_printk("RTNL: assertion failed at %s (%d)\n", __FILE__, __LINE__);
}
int counts(int x) {
  count(__FILE__, __LINE__);
  return x;
}

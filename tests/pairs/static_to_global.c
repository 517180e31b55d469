// SPDX-License-Identifier: GPL-2.0-or-later
// Scope is an attribute, not an identity.
// EXPECT-CHANGED: user
// EXPECT-LEAVES: helper
#ifdef PATCHED
__attribute__((noinline)) int helper(int x) { return x * 7 + 1; }
int user(int x) { return helper(x) + 2; }
#else
static __attribute__((noinline)) int helper(int x) { return x * 7 + 1; }
int user(int x) { return helper(x) + 1; }
#endif

// SPDX-License-Identifier: GPL-2.0-or-later
// The code of such an object is made when everything is linked: nothing can be said of it.
// FLAGS: -flto
// EXPECT-ERROR: compiled for link-time optimisation
// CLANG-EXPECT-ERROR: holds LLVM's bitcode
#ifdef PATCHED
int f(int x) { return x + 2; }
#else
int f(int x) { return x + 1; }
#endif

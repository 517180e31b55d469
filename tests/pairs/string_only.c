// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-CHANGED: version
#ifdef PATCHED
const char* version(void) { return "2.0"; }
#else
const char* version(void) { return "1.0"; }
#endif

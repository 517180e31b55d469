// SPDX-License-Identifier: GPL-2.0-or-later
// Who keeps the old string goes on saying the same; who is given the new one has a pointer into the patch.
// EXPECT-CHANGED: attach name
// EXPECT-WARN: HP04A-kept-table
// EXPECT-PINNED: name
// SOURCES: yes
#pragma GCC visibility push(hidden)
struct device {
  const char* name;
};
#ifdef PATCHED
static const char name[] = "device-2";
#else
static const char name[] = "device-1";
#endif
void attach(struct device* device) { device->name = name; }

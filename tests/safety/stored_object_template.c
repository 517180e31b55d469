// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-REJECT: HP043-constant
// EXPECT-SAYS: takes the place of 1
// SOURCES: yes
#pragma GCC visibility push(hidden)
typedef __SIZE_TYPE__ size_t;
extern void* memcpy(void* to, const void* from, size_t size);
struct settings {
  unsigned state;
  unsigned mode;
  unsigned long limit;
};
#ifdef PATCHED
#define STATE 4
#else
#define STATE 1
#endif
static const struct settings standard = {.state = STATE, .mode = 1};
void from_constant(struct settings* settings) { memcpy(settings, &standard, sizeof(*settings)); }

// SPDX-License-Identifier: GPL-2.0-or-later
// What stands for "no owner" changes, and code that is not patched tests for the old number.
// EXPECT-REJECT: HP043-constant
// SOURCES: yes
#pragma GCC visibility push(hidden)
struct table {
  unsigned short owner[8];
};
struct user {
  unsigned short number;
};
extern void clear(unsigned slot);
void set(struct table* table, unsigned slot, struct user* user) { table->owner[slot] = user->number; }
unsigned owner_of(struct table* table, unsigned slot) { return table->owner[slot]; }
int has_owner(struct table* table, unsigned slot) {
  unsigned owner = table->owner[slot];
  if (owner) return 1;
  return 0;
}
void forget(struct table* table, unsigned slot) {
#ifdef PATCHED
  table->owner[slot] = 0x7fff;
  clear(slot);
#else
  clear(slot);
  table->owner[slot] = 0;
#endif
}

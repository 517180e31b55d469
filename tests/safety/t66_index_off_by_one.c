// SPDX-License-Identifier: GPL-2.0-or-later
// EXPECT-REJECT: HP045-expression
// SOURCES: yes
#pragma GCC visibility push(hidden)
struct ring {
  int stored;
  int data[16];
};
void produce(struct ring* ring, int i) {
#ifdef PATCHED
  ring->stored = i;
#else
  ring->stored = i + 1;
#endif
}
int consume(struct ring* ring) {
#ifdef PATCHED
  return ring->data[ring->stored];
#else
  return ring->data[ring->stored - 1];
#endif
}

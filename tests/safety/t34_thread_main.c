// SPDX-License-Identifier: GPL-2.0-or-later
// TARGET: linux
// EXPECT-REJECT: HP026-endless
extern void* kthread_create_on_node(int (*fn)(void*), void* data, int node, const char* name, ...);
extern int work(void*);
static int loop(void* data) {
#ifdef PATCHED
  if (!data) return -1;
#endif
  while (work(data))
    ;
  return 0;
}
void* start(void* data) { return kthread_create_on_node(loop, data, -1, "worker"); }

// SPDX-License-Identifier: GPL-2.0-or-later
// The pointer is cleared where objects are made, of memory that holds anything, and tested elsewhere.
// EXPECT-REJECT: HP04B-old-objects
// EXPECT-SAYS: struct route.list
// SOURCES: yes
#pragma GCC visibility push(hidden)
struct lock {
  int v;
};
struct uncached {
  struct lock lock;
  int n;
};
struct route {
  int n;
  struct uncached* list;
};
extern void* route_alloc(int kind);
extern void drop(struct route* route);
void keep(struct route* route, struct uncached* list) { route->list = list; }
struct route* new_route(void) {
  struct route* route = route_alloc(1);
  if (route) {
    route->n = 0;
#ifdef PATCHED
    route->list = 0;
#endif
  }
  return route;
}
void del(struct route* route) {
#ifdef PATCHED
  if (route->list) drop(route);
#else
  if (route->n) drop(route);
#endif
}

// SPDX-License-Identifier: GPL-2.0-or-later
// What was registered before the patch goes on calling the function, and with what it was registered with.
// EXPECT-REJECT: HP04D-handler-data
// SOURCES: yes
#pragma GCC visibility push(hidden)
struct device {
  int id;
  struct context* context;
};
struct context {
  struct device* device;
  int n;
};
extern int request_irq(int line, int (*handler)(int, void*), void* data);
#ifdef PATCHED
static int handle(int line, void* data) {
  struct context* context = data;
  return context->device->id + line;
}
int setup(struct device* device) { return request_irq(3, handle, device->context); }
#else
static int handle(int line, void* data) {
  struct device* device = data;
  return device->id + line;
}
int setup(struct device* device) { return request_irq(3, handle, device); }
#endif

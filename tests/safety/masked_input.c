// SPDX-License-Identifier: GPL-2.0-or-later
// What the guest writes loses its reserved bits: objects alive may have them, and nothing that reads them changes.
// EXPECT-CHANGED: write_control
// EXPECT-WARN: HP045-expression
// SOURCES: yes
struct vcpu {
  unsigned long control;
};
int write_control(struct vcpu* vcpu, unsigned long value) {
#ifdef PATCHED
  vcpu->control = value & 0x3fffUL;
#else
  vcpu->control = value;
#endif
  return 0;
}

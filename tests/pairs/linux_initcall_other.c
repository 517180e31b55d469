// SPDX-License-Identifier: GPL-2.0-or-later
// An entry of the same name, but for its numbers, that calls something else is a change.
// TARGET: linux
// EXPECT-REJECT: HP052-boot-table
static __attribute__((section(".init.text"), used)) int start(void) { return 0; }
static __attribute__((section(".init.text"), used)) int other(void) { return 1; }
#ifdef PATCHED
static int (*const __initcall__kmod_acpi__434_20_start4)(void) __attribute__((used, section(".initcall4.init"))) = other;
#else
static int (*const __initcall__kmod_acpi__433_19_start4)(void) __attribute__((used, section(".initcall4.init"))) = start;
#endif

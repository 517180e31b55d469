// SPDX-License-Identifier: GPL-2.0-or-later
//
// Command lines of QEMU.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "buildenv/lab/accelerator.h"

namespace hotpatch::lab {

inline constexpr const char* kQemuProgram = "qemu-system-x86_64";

/// A machine with nothing in it: no display, no network, no disk, no monitor; it ends instead of rebooting.
[[nodiscard]] std::vector<std::string> qemu_base_arguments(Accelerator accelerator);

struct LinuxMachine {
  Accelerator accelerator = Accelerator::kTcg;
  unsigned processors = 1;
  unsigned memory_mib = 512;
  std::string arguments;  // added to the kernel's command line
  std::string firmware;   // the file of UEFI firmware that starts the kernel; empty: QEMU's own BIOS
};

struct XenMachine {
  Accelerator accelerator = Accelerator::kTcg;
  unsigned processors = 1;
  unsigned memory_mib = 1024;
  unsigned dom0_memory_mib = 640;
};

/// Boots the kernel that lies at descriptor kFirstFileFd, with the initramfs (second file). With firmware, its flash device of variables
/// comes before these two; what is written to it is lost with the descriptor. The console, with every message of notice and above, is the
/// first serial line. An oops is a panic, and a panic ends QEMU. Requires: no newline in `arguments`, no comma in `firmware`.
[[nodiscard]] std::vector<std::string> qemu_linux_arguments(const LinuxMachine& machine);

/// Boots the multiboot image that lies at descriptor kFirstFileFd, uncompressed, with the Linux kernel (second file) and the initramfs
/// (third file). Xen's console goes to the first serial line, the second one belongs to dom0.
[[nodiscard]] std::vector<std::string> qemu_xen_arguments(const XenMachine& machine);

/// The same for xen.efi: starts UEFI firmware from the file `firmware`, with the disk that lies at descriptor kFirstFileFd. Requires: no
/// comma in `firmware`.
[[nodiscard]] std::vector<std::string> qemu_efi_arguments(const XenMachine& machine, const std::string& firmware);
/// What the disk's configuration of xen.efi says (Xen, docs/misc/efi.pandoc), with files of these names beside it.
[[nodiscard]] std::string efi_configuration(const XenMachine& machine, const std::string& kernel, const std::string& initramfs);

}  // namespace hotpatch::lab

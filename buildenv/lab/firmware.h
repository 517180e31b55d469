// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a machine needs to start an EFI program: UEFI firmware, and a disk on which that program is the one for all machines (UEFI 2.10
// §3.5.1.1).
#pragma once

#include <filesystem>

#include "buildenv/lab/qemu.h"
#include "common/support/bytes.h"
#include "common/support/result.h"

namespace hotpatch::lab {

/// Whether the file is a program for EFI, by its first bytes.
[[nodiscard]] bool is_efi_program(ByteView file) noexcept;

/// OVMF without Secure Boot: $HOTPATCH_OVMF, or where distributions have it. kNotFound with the package's name.
Result<std::filesystem::path> find_firmware();

/// A disk with xen.efi, its configuration, and dom0's kernel and initramfs.
Result<Bytes> efi_disk(Bytes xen, Bytes kernel, Bytes initramfs, const XenMachine& machine);

}  // namespace hotpatch::lab

// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/lab/firmware.h"

#include <array>
#include <cstdlib>
#include <utility>

#include "buildenv/lab/fat.h"

namespace hotpatch::lab {
namespace {

namespace fs = std::filesystem;

constexpr std::array<const char*, 4> kPlaces = {
    "/usr/share/OVMF/OVMF_CODE_4M.fd",         // Debian 12 on
    "/usr/share/OVMF/OVMF_CODE.fd",            // Debian 11, Fedora
    "/usr/share/edk2/x64/OVMF_CODE.4m.fd",     // Arch
    "/usr/share/qemu/ovmf-x86_64-4m-code.bin"  // openSUSE
};

}  // namespace

bool is_efi_program(ByteView file) noexcept { return as_text(file).starts_with("MZ"); }

Result<fs::path> find_firmware() {
  std::error_code ignored;
  if (const char* own = std::getenv("HOTPATCH_OVMF")) {
    const fs::path path(own);
    if (!fs::is_regular_file(path, ignored) || path.string().find(',') != std::string::npos)
      return fail(Errc::kNotFound, "HOTPATCH_OVMF: '" + path.string() + "' is no file that QEMU can be given");
    return path;
  }
  for (const char* place : kPlaces) {
    if (fs::is_regular_file(place, ignored)) return fs::path(place);
  }
  return tl::unexpected(Error(Errc::kNotFound, "there is no UEFI firmware here to start it with")
                            .with_remedy("install the package ovmf, or name the firmware's code in HOTPATCH_OVMF"));
}

Result<Bytes> efi_disk(Bytes xen, Bytes kernel, Bytes initramfs, const XenMachine& machine) {
  const std::string directory = "EFI/BOOT/";
  const std::string configuration = efi_configuration(machine, "VMLINUZ", "INITRD");
  const ByteView text = as_byte_view(configuration);
  FatImage disk;
  HP_TRY(disk.add_file(directory + "BOOTX64.EFI", std::move(xen)));
  HP_TRY(disk.add_file(directory + "BOOTX64.CFG", Bytes(text.begin(), text.end())));
  HP_TRY(disk.add_file(directory + "VMLINUZ", std::move(kernel)));
  HP_TRY(disk.add_file(directory + "INITRD", std::move(initramfs)));
  return disk.write();
}

}  // namespace hotpatch::lab

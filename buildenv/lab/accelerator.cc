// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/lab/accelerator.h"

#include <array>
#include <chrono>
#include <utility>

#include <unistd.h>

#include "buildenv/lab/machine.h"
#include "buildenv/lab/qemu.h"
#include "common/support/check.h"

namespace hotpatch::lab {
namespace {

constexpr std::uint32_t kLoadAddress = 0x100000;
constexpr int kExitPort = 0xF4;
constexpr int kExitValue = 0x10;
constexpr int kExitStatus = kExitValue << 1 | 1;  // what QEMU's isa-debug-exit makes of it

}  // namespace

const char* accelerator_name(Accelerator accelerator) noexcept {
  switch (accelerator) {
    case Accelerator::kAutomatic: return "automatic";
    case Accelerator::kTcg: return "tcg";
    case Accelerator::kKvm: return "kvm";
  }
  return "unknown";
}

std::vector<std::string> accelerator_arguments(Accelerator accelerator) {
  HP_CHECK(accelerator != Accelerator::kAutomatic, "an accelerator that has been chosen");
  if (accelerator == Accelerator::kKvm) return {"-accel", "kvm", "-cpu", "host"};
  // QEMU 7.2's emulation of SMAP stops a PV dom0 with a page fault in its first instructions.
  return {"-accel", "tcg,thread=multi", "-cpu", "max,-smap"};
}

Bytes probe_image() {
  constexpr std::uint32_t kMagic = 0x1BADB002;
  constexpr std::uint32_t kHasAddresses = 1U << 16;
  constexpr std::uint32_t kHeaderSize = 32;
  ByteWriter image;
  image.write<std::uint32_t>(kMagic);
  image.write<std::uint32_t>(kHasAddresses);
  image.write<std::uint32_t>(0U - kMagic - kHasAddresses);                      // the three sum up to zero
  image.write<std::uint32_t>(kLoadAddress);                                     // of this header
  image.write<std::uint32_t>(kLoadAddress);                                     // of the image
  image.write<std::uint32_t>(0);                                                // its end: that of the file
  image.write<std::uint32_t>(0);                                                // no zeroed memory behind it
  image.write<std::uint32_t>(kLoadAddress + kHeaderSize);                       // entry
  for (const int byte : {0xB0, kExitValue, 0xE6, kExitPort, 0xF4, 0xEB, 0xFD})  // mov $16, %al; out %al, $0xf4; 1: hlt; jmp 1b
    image.write(static_cast<std::uint8_t>(byte));
  image.pad_to(512);
  return std::move(image).take();
}

Result<bool> accelerator_works(Accelerator accelerator) {
  HP_ASSIGN(UniqueFd image, memory_file("probe", probe_image()));
  std::vector<UniqueFd> files;
  files.push_back(std::move(image));
  std::vector<std::string> argv = qemu_base_arguments(accelerator);
  argv.insert(argv.end(), {"-m", "64", "-device", "isa-debug-exit,iobase=0xf4,iosize=0x04", "-kernel", fd_path(kFirstFileFd)});
  HP_ASSIGN(Machine machine, Machine::start(argv, files));
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  // A failing KVM makes QEMU complain and stand still, or end.
  while (!machine.is_over() && machine.messages().find("rror") == std::string::npos &&
         machine.messages().find("emulation failure") == std::string::npos && std::chrono::steady_clock::now() < deadline) {
    HP_ASSIGN([[maybe_unused]] const Machine::Input input, machine.read(std::chrono::milliseconds(100)));
  }
  return machine.kill() == kExitStatus;
}

Result<Accelerator> best_accelerator() {
  if (::access("/dev/kvm", R_OK | W_OK) != 0) return Accelerator::kTcg;
  HP_ASSIGN(const bool works, accelerator_works(Accelerator::kKvm));
  return works ? Accelerator::kKvm : Accelerator::kTcg;
}

}  // namespace hotpatch::lab

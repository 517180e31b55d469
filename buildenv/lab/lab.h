// SPDX-License-Identifier: GPL-2.0-or-later
//
// The lab: boots a hypervisor with a stock dom0 kernel, or a stock kernel alone, in QEMU, runs a scenario there, and says what happened.
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>

#include "buildenv/lab/accelerator.h"
#include "buildenv/lab/scenario.h"
#include "common/support/bytes.h"
#include "common/support/result.h"

namespace hotpatch::lab {

struct Options {
  System system = System::kXen;
  std::filesystem::path boot_image;  // Xen's multiboot image, plain or gzip, or its xen.efi; Linux's bzImage
  std::filesystem::path cache;       // buildenv::cache_directory(), for dom0's kernel; not used with kLinux
  std::string kernel_arguments;      // kLinux: what the kernel's command line has besides what the lab needs
  Bytes
      firmware_variables;  // kLinux: if not empty, UEFI firmware starts the kernel, and finds its variables in this flash device
  Accelerator accelerator = Accelerator::kAutomatic;
  unsigned processors = 2;            // of the machine; dom0 gets as many
  unsigned memory_mib = 1024;         // of the machine; dom0 gets all but 384 MiB. At least 640 with Xen, 256 without.
  std::chrono::seconds timeout{120};  // from the start of QEMU to the verdict
  std::filesystem::path keep;         // if not empty: a directory that gets the initramfs, both lines' bytes and the command line
  const std::atomic<bool>* stop = nullptr;              // looked at ten times a second: true ends the run with kInterrupted
  std::function<void(const std::string&)> on_progress;  // "booting …": one line of text
  std::function<void(const StepOutcome&)> on_step;      // a step is over, skipped ones included; in order
};

/// Runs the scenario. Whatever the guest does is a Transcript, with a verdict; an Error means that there was nothing to run it on: no
/// QEMU, no kernel, a program that cannot be taken into the guest, options that make no sense. QEMU never outlives this call.
Result<Transcript> run(const Scenario& scenario, const Options& options);

}  // namespace hotpatch::lab

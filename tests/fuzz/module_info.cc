// SPDX-License-Identifier: GPL-2.0-or-later
//
// Fuzz target: what a kernel module says about itself. The host's tool reads it as root, before anything else has looked at the file.
#include "linux/payload/module_info.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hotpatch;
  const auto info = kernel::payload::read_module_info(std::as_bytes(std::span(data, size)));
  if (!info) return 0;
  (void)kernel::payload::dependencies(*info);
  (void)kernel::payload::target_modules(*info);
  return 0;
}

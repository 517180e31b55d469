// SPDX-License-Identifier: GPL-2.0-or-later
//
// Fuzz target: a payload's metadata, as it comes back from a hypervisor. What is formatted from it is parsed to the same.
#include "xen/payload/metadata.h"
#include "common/support/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hotpatch;
  const ByteView input = std::as_bytes(std::span(data, size));
  const xen::Metadata metadata = xen::parse_metadata(input);
  (void)xen::load_address_offset(input);
  const auto bytes = xen::format_metadata(metadata);
  if (!bytes) return 0;
  const xen::Metadata again = xen::parse_metadata(*bytes);
  HP_CHECK(again.entries == metadata.entries && again.load_address == metadata.load_address, "metadata changed on the way");
  return 0;
}

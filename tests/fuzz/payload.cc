// SPDX-License-Identifier: GPL-2.0-or-later
//
// Fuzz target: the checker of payloads, and the reader of what a payload says about itself.
#define DOCTEST_CONFIG_IMPLEMENT
#include "tests/fuzz/payload_world.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hotpatch;
  const ByteView input = std::as_bytes(std::span(data, size));
  const auto report = xen::check_payload(input, fuzz::world().xen());
  if (report) (void)xen::report_text(*report);
  (void)xen::read_payload(Bytes(input.begin(), input.end()), "input");
  return 0;
}

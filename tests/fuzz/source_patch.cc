// SPDX-License-Identifier: GPL-2.0-or-later
//
// Fuzz target: the parser of source patches. What it accepts, it accepts backwards.
#include "buildenv/pairs/patch_text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hotpatch;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto patches = buildenv::parse_patch(text, "input");
  if (!patches) return 0;
  for (const buildenv::FilePatch& patch : *patches) (void)buildenv::reversed(buildenv::reversed(patch));
  return 0;
}

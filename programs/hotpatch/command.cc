// SPDX-License-Identifier: GPL-2.0-or-later
#include "programs/hotpatch/command.h"

#include <charconv>
#include <string_view>

#include "xen/payload/payload.h"

namespace hotpatch::cli {

Json make_document(const char* command) {
  Json document;
  document["schema"] = kSchema;
  document["command"] = command;
  return document;
}

void add_json_option(CLI::App& command, Chosen& chosen) {
  command.add_flag("--json", chosen.json, "write one JSON document to standard output");
}

Result<TargetAddr> read_load_address(const std::string& text) {
  const std::string_view digits = text.starts_with("0x") ? std::string_view(text).substr(2) : std::string_view(text);
  std::uint64_t address = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), address, 16);
  if (error != std::errc() || end != digits.data() + digits.size() || address == 0 || address % xen::kPageSize != 0)
    return tl::unexpected(Error(Errc::kUsage, "--at " + text + " is not the address of a page")
                              .with_remedy("give what xen-hotpatch show says, for example 0xffff82d0405d1000"));
  return TargetAddr(address);
}

}  // namespace hotpatch::cli

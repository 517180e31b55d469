// SPDX-License-Identifier: GPL-2.0-or-later
#include "linux/module/exports.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace hotpatch::kernel {

std::string module_name(std::string_view file) {
  const std::size_t slash = file.rfind('/');
  if (slash != std::string_view::npos) file.remove_prefix(slash + 1);
  if (file.ends_with(".ko")) file.remove_suffix(3);
  std::string name(file);
  std::ranges::replace(name, '-', '_');
  return name;
}

Result<Exports> Exports::parse(std::string_view symvers) {
  Exports exports;
  for (std::size_t number = 1; !symvers.empty(); ++number) {
    const std::size_t newline = std::min(symvers.find('\n'), symvers.size());
    std::string_view line = symvers.substr(0, newline);
    symvers.remove_prefix(std::min(newline + 1, symvers.size()));
    if (line.empty()) continue;
    std::array<std::string_view, 5> fields;
    for (std::string_view& field : fields) {
      const std::size_t tab = std::min(line.find('\t'), line.size());
      field = line.substr(0, tab);
      line.remove_prefix(std::min(tab + 1, line.size()));
    }
    Export made;
    const bool has_prefix = fields[0].starts_with("0x");
    const std::string_view digits = has_prefix ? fields[0].substr(2) : fields[0];
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), made.crc, 16);
    if (!has_prefix || error != std::errc() || end != digits.data() + digits.size() || fields[1].empty() || fields[2].empty())
      return fail(Errc::kMalformed, "Module.symvers: line " + std::to_string(number) + " is no export");
    made.owner = module_name(fields[2]);
    made.import_namespace = std::string(fields[4]);
    exports.by_name_.emplace(fields[1], std::move(made));
  }
  return exports;
}

const Export* Exports::find(std::string_view name) const noexcept {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &found->second;
}

}  // namespace hotpatch::kernel

// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/elf/record_sizes.h"

#include <algorithm>
#include <string_view>

#include "common/elf/dwarf.h"

namespace hotpatch::elf {
namespace {

/// Whether the unit is one of those: by its name, or by the end of the name that a build outside of its source tree gave it.
bool is_wanted(std::string_view name, const std::set<std::string>& units) {
  if (!name.starts_with('/') && !name.starts_with("../")) return units.contains(std::string(name));
  return std::ranges::any_of(units, [&](const std::string& unit) {
    return name.ends_with(unit) && name.size() > unit.size() && name[name.size() - unit.size() - 1] == '/';
  });
}

}  // namespace

Result<std::map<std::string, std::uint64_t>> read_record_sizes(const Object& object, const std::set<std::string>& units,
                                                               const std::set<std::string>& tags) {
  HP_ASSIGN(const std::unique_ptr<Dwarf> dwarf, Dwarf::open(object));
  std::map<std::string, std::uint64_t> sizes;
  for (const auto& unit : dwarf->context().compile_units()) {
    if (sizes.size() == tags.size()) break;
    HP_TRY(dwarf->check_entries(*unit, true));
    const llvm::DWARFDie top = unit->getUnitDIE();
    const char* name = top.getName(llvm::DINameKind::ShortName);
    if (name == nullptr || !is_wanted(name, units)) continue;
    HP_TRY(dwarf->check_entries(*unit, false));
    for (const llvm::DWARFDie& entry : unit->getUnitDIE(false)) {
      if (entry.getTag() != llvm::dwarf::DW_TAG_structure_type) continue;
      const char* tag = entry.getName(llvm::DINameKind::ShortName);
      const auto size = llvm::dwarf::toUnsigned(entry.find(llvm::dwarf::DW_AT_byte_size));
      if (tag != nullptr && size && tags.contains(tag)) sizes.emplace(tag, *size);
    }
    HP_TRY(dwarf->check());
    unit->clear();
  }
  return sizes;
}

}  // namespace hotpatch::elf

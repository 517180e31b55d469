// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/elf/record_sizes.h"

#include "common/elf/dwarf.h"

namespace hotpatch::elf {

Result<std::map<std::string, std::uint64_t>> read_record_sizes(const Object& object, const std::set<std::string>& units,
                                                               const std::set<std::string>& tags) {
  HP_ASSIGN(const std::unique_ptr<Dwarf> dwarf, Dwarf::open(object));
  std::map<std::string, std::uint64_t> sizes;
  for (const auto& unit : dwarf->context().compile_units()) {
    if (sizes.size() == tags.size()) break;
    HP_TRY(dwarf->check_entries(*unit, true));
    const llvm::DWARFDie top = unit->getUnitDIE();
    const char* name = top.getName(llvm::DINameKind::ShortName);
    if (name == nullptr || !units.contains(name)) continue;
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

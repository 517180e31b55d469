// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/elf/static_scopes.h"

#include "common/elf/dwarf.h"

namespace hotpatch::elf {
namespace {

/// The function that the entry stands in, inlined or not; empty if it stands in none.
std::string enclosing_function(llvm::DWARFDie die) {
  for (; die.isValid(); die = die.getParent()) {
    if (die.getTag() != llvm::dwarf::DW_TAG_subprogram && die.getTag() != llvm::dwarf::DW_TAG_inlined_subroutine) continue;
    const char* name = die.getSubroutineName(llvm::DINameKind::ShortName);
    return name == nullptr ? std::string() : std::string(name);
  }
  return {};
}

}  // namespace

Result<std::vector<StaticScope>> read_static_scopes(const Object& object) {
  HP_ASSIGN(const std::unique_ptr<Dwarf> dwarf, Dwarf::open(object));
  std::vector<StaticScope> product;
  for (const auto& unit : dwarf->context().compile_units()) {
    unit->getUnitDIE(false);  // reads all of its entries
    for (const llvm::DWARFDebugInfoEntry& entry : unit->dies()) {
      const llvm::DWARFDie die(unit.get(), &entry);
      if (die.getTag() != llvm::dwarf::DW_TAG_variable) continue;
      const auto location = die.find(llvm::dwarf::DW_AT_location);
      const auto block = location ? location->getAsBlock() : std::nullopt;
      if (!block || block->empty() || (*block)[0] != llvm::dwarf::DW_OP_addr) continue;
      const Relocation* const relocation = dwarf->relocation_of_info(block->data() + 1);  // which variable it is
      if (relocation == nullptr) continue;
      std::string function = enclosing_function(die);
      if (!function.empty()) product.push_back({relocation->symbol, relocation->addend, std::move(function)});
    }
  }
  HP_TRY(dwarf->check());
  return product;
}

}  // namespace hotpatch::elf

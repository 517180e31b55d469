// SPDX-License-Identifier: GPL-2.0-or-later
//
// LLVM reads the entries of a unit without asking whether a length leads out of it; from there on it reads what is not the file's. So
// each unit is gone through once before: by the same abbreviations and forms, and nothing but lengths.
#include <algorithm>

#include <llvm/DebugInfo/DWARF/DWARFDebugAbbrev.h>

#include "common/elf/dwarf.h"

namespace hotpatch::elf {
namespace {

using namespace llvm::dwarf;

class EntryWalk {
 public:
  explicit EntryWalk(llvm::DWARFUnit& unit)
      : unit_(unit),
        bytes_(unit.getDebugInfoExtractor().getData()),
        at_(unit.getOffset() + unit.getHeaderSize()),
        end_(std::min<std::uint64_t>(unit.getNextUnitOffset(), bytes_.size())) {}

  /// Whether every entry ends inside of the unit, up to where LLVM stops; the first one alone if `first_only`.
  bool run(bool first_only) {
    const llvm::DWARFAbbreviationDeclarationSet* const abbreviations = unit_.getAbbreviations();
    if (abbreviations == nullptr) return true;  // LLVM says so itself
    std::uint64_t depth = 0;
    while (at_ < end_) {
      const auto code = number();
      if (!code) return false;
      if (*code == 0) {
        if (depth <= 1) return true;
        --depth;
        continue;
      }
      const auto* const declaration =
          *code <= UINT32_MAX ? abbreviations->getAbbreviationDeclaration(static_cast<std::uint32_t>(*code)) : nullptr;
      if (declaration == nullptr) return *code <= UINT32_MAX;  // where LLVM stops, and says so
      for (const auto& attribute : declaration->attributes()) {
        if (attribute.isImplicitConst()) continue;
        if (!skip(attribute.Form)) return false;
      }
      if (declaration->hasChildren()) ++depth;
      if (first_only || depth == 0) return true;
    }
    return true;
  }

 private:
  bool skip_bytes(std::uint64_t count) {
    if (at_ > end_ || count > end_ - at_) return false;
    at_ += count;
    return true;
  }

  /// Little-endian, or LEB128 if `size` is 0.
  std::optional<std::uint64_t> number(std::size_t size = 0) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; size == 0 ? i < 10 : i < size; ++i) {
      if (at_ >= end_) return std::nullopt;
      const auto byte = static_cast<std::uint8_t>(bytes_[at_++]);
      if (size != 0) {
        value |= std::uint64_t{byte} << (8 * i);
        continue;
      }
      if (i == 9 && byte > 1) return std::nullopt;
      value |= std::uint64_t{byte & 0x7fU} << (7 * i);
      if ((byte & 0x80U) == 0) return value;
    }
    return size == 0 ? std::nullopt : std::optional(value);
  }

  bool skip_block(std::size_t size) {
    const auto length = number(size);
    return length && skip_bytes(*length);
  }

  /// DWARF 5, section 7.5.6, and the forms that are GNU's.
  bool skip(Form form) {
    for (unsigned indirections = 0; form == DW_FORM_indirect; ++indirections) {
      const auto next = number();
      if (!next || *next > UINT16_MAX || indirections == 8) return false;
      form = static_cast<Form>(*next);
    }
    switch (form) {
      case DW_FORM_block:
      case DW_FORM_exprloc: return skip_block(0);
      case DW_FORM_block1: return skip_block(1);
      case DW_FORM_block2: return skip_block(2);
      case DW_FORM_block4: return skip_block(4);
      case DW_FORM_string:
        for (;;) {
          const auto byte = number(1);
          if (!byte || *byte == 0) return byte.has_value();
        }
      case DW_FORM_sdata:
        // As long as it takes; the value does not matter.
        for (;;) {
          const auto byte = number(1);
          if (!byte || (*byte & 0x80U) == 0) return byte.has_value();
        }
      case DW_FORM_udata:
      case DW_FORM_ref_udata:
      case DW_FORM_strx:
      case DW_FORM_addrx:
      case DW_FORM_loclistx:
      case DW_FORM_rnglistx:
      case DW_FORM_GNU_addr_index:
      case DW_FORM_GNU_str_index: return number().has_value();
      default: break;
    }
    const auto size = getFixedFormByteSize(form, unit_.getFormParams());
    return size && skip_bytes(*size);
  }

  llvm::DWARFUnit& unit_;
  llvm::StringRef bytes_;
  std::uint64_t at_;
  std::uint64_t end_;
};

}  // namespace

Result<> Dwarf::check_entries(llvm::DWARFUnit& unit, bool first_only) const {
  if (EntryWalk(unit).run(first_only)) return {};
  return fail(Errc::kMalformed, name_ + ": debugging information: an entry of the unit at " + hex(unit.getOffset()) +
                                    " has an unknown form, or runs out of the unit");
}

}  // namespace hotpatch::elf

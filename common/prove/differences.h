// SPDX-License-Identifier: GPL-2.0-or-later
//
// What differs between a rebuilt object and the image, at most once for each symbol: where, with the bytes of both sides, and why.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/elf/image.h"
#include "common/elf/object.h"
#include "common/prove/prove.h"

namespace hotpatch::prove {

class Differences {
 public:
  /// Both must outlive this.
  Differences(const elf::Object& object, const elf::Image& image);

  /// The object's symbols with a name of its own in the section, by rising value; compiler's labels are not among them.
  [[nodiscard]] const std::vector<elf::SymbolIndex>& symbols_in(elf::SectionIndex section) const {
    return defined_.at(section.value());
  }
  /// The symbol that holds the offset, else the last one before it; null if there is none.
  [[nodiscard]] const elf::Symbol* symbol_around(elf::SectionIndex section, std::uint64_t offset) const;

  /// Adds what is wrong at an offset of a section that is at `base` of the image, if it is anywhere.
  void add(elf::SectionIndex section, std::uint64_t offset, std::optional<TargetAddr> base, std::string reason);
  /// Adds a symbol that the image has and the object has not.
  void add_missing(const elf::ImageSymbol& symbol);
  [[nodiscard]] bool has(elf::SectionIndex section, std::string_view symbol) const;
  /// Code and data with a name first: a table without one mostly differs because of them.
  [[nodiscard]] std::vector<Mismatch> take() &&;

  /// "name", "name+0x10", or the number.
  [[nodiscard]] std::string describe(TargetAddr address) const;
  [[nodiscard]] std::string describe_target(const elf::Relocation& relocation) const;

 private:
  void keep(std::size_t section, Mismatch mismatch);

  const elf::Object& object_;
  const elf::Image& image_;
  std::vector<std::vector<elf::SymbolIndex>> defined_;  // by section
  /// By section (their number, for what only the image has) and symbol: that of the lowest offset.
  std::map<std::pair<std::size_t, std::string>, Mismatch> found_;
};

}  // namespace hotpatch::prove

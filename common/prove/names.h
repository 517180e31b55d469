// SPDX-License-Identifier: GPL-2.0-or-later
//
// The image's names as one rebuilt object sees them: its locals are those under its FILE symbol, its globals those of everybody.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/elf/image.h"
#include "common/elf/object.h"

namespace hotpatch::prove {

class Names {
 public:
  /// `unit` helps where the FILE symbol of the object is spelled otherwise than that of the image ("domain.c" for "common/domain.c").
  /// Both object and image must outlive this.
  Names(const elf::Object& object, const elf::Image& image, std::string_view unit);

  /// Whether the link took the object in at all: its FILE symbol is in the image, or, for an object that has none, all its globals.
  [[nodiscard]] bool is_linked() const noexcept { return linked_; }
  /// Where the image has a symbol of that name which could be this one; none for undefined symbols and compiler's labels.
  [[nodiscard]] std::vector<const elf::ImageSymbol*> candidates(elf::SymbolIndex index) const;
  /// What a reference by name to an undefined symbol leads to; also symbols of the linker script.
  [[nodiscard]] std::optional<TargetAddr> address_of_undefined(std::string_view name) const;
  /// Local functions that stand under this object's FILE symbol in the image and that the object does not define. Empty where several
  /// units share that FILE symbol.
  [[nodiscard]] std::vector<const elf::ImageSymbol*> missing_functions() const;

 private:
  [[nodiscard]] std::optional<std::string_view> file_in_image(std::string_view file, std::string_view unit) const;

  const elf::Object& object_;
  const elf::Image& image_;
  bool linked_ = false;
  std::vector<std::string_view> image_files_;                  // sorted; one entry for each FILE symbol
  std::vector<std::optional<std::string_view>> symbol_files_;  // by symbol of the object: its FILE symbol's name in the image
};

/// A label that the compiler or assembler made up and that no linked image keeps (".L…").
[[nodiscard]] bool is_compiler_label(std::string_view name) noexcept;

}  // namespace hotpatch::prove

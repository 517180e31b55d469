// SPDX-License-Identifier: GPL-2.0-or-later
//
// A linked image with its symbol table (xen-syms, vmlinux): bytes by address, symbols by name, by file and by address.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/elf/object.h"
#include "common/support/address.h"

namespace hotpatch::elf {

struct ImageSymbol {
  std::string_view name;
  std::string_view file;  // the STT_FILE symbol before it; empty for globals
  SymbolBinding binding = SymbolBinding::kLocal;
  SymbolType type = SymbolType::kNone;
  TargetAddr address;
  std::uint64_t size = 0;
  SectionIndex section;
};

/// Immutable. Absolute and undefined symbols, section and file symbols are left out.
class Image {
 public:
  /// kInvalid if the object is not linked or has no symbol table.
  static Result<Image> make(Object object);

  [[nodiscard]] const Object& object() const noexcept { return object_; }
  [[nodiscard]] const BuildId& build_id() const noexcept { return build_id_; }
  /// By rising address, then name, then file.
  [[nodiscard]] std::span<const ImageSymbol> symbols() const noexcept { return symbols_; }

  /// `size` bytes of the file image at `address`, all in one section; nothing if they are not there (or in a NOBITS section).
  [[nodiscard]] std::optional<ByteView> bytes_at(TargetAddr address, std::uint64_t size) const noexcept;
  /// The allocated section that holds `address`.
  [[nodiscard]] std::optional<SectionIndex> section_at(TargetAddr address) const noexcept;

  /// All symbols of that name, locals of every file included.
  [[nodiscard]] std::vector<const ImageSymbol*> find(std::string_view name) const;
  /// The global or weak symbol of that name. Their names are unique in a linked image.
  [[nodiscard]] const ImageSymbol* find_global(std::string_view name) const;
  /// All local symbols of that name under that FILE symbol.
  [[nodiscard]] std::vector<const ImageSymbol*> find_local(std::string_view file, std::string_view name) const;
  /// The sized symbol whose range holds `address`, functions first; else the nearest symbol at or below it in its section.
  [[nodiscard]] const ImageSymbol* symbol_at(TargetAddr address) const noexcept;
  /// The value of a symbol that the linker script defines, e.g. "__init_begin"; absolute ones too.
  [[nodiscard]] std::optional<TargetAddr> address_of(std::string_view name) const;

 private:
  explicit Image(Object object) : object_(std::move(object)) {}
  Object object_;
  BuildId build_id_;
  std::vector<ImageSymbol> symbols_;
  std::unordered_multimap<std::string_view, std::size_t> by_name_;
  std::unordered_map<std::string_view, TargetAddr> absolute_;
  std::vector<SectionIndex> allocated_;  // by rising address
};

}  // namespace hotpatch::elf

// SPDX-License-Identifier: GPL-2.0-or-later
//
// A relocatable object or a linked image, read and validated once: after that no index, offset or name needs a bounds check. This is
// a syntactic layer: it knows nothing of functions, tables or targets.
//
// Section 0 and symbol 0 are ELF's null entries; they are kept, so that indices are those of the file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/support/build_id.h"
#include "common/support/bytes.h"
#include "common/support/index.h"
#include "common/support/mapped_file.h"
#include "common/support/result.h"

namespace hotpatch::elf {

using SectionIndex = Index<struct SectionTag>;
using SymbolIndex = Index<struct SymbolTag>;

enum class FileType : std::uint8_t { kRelocatable, kExecutable, kShared };
enum class SymbolBinding : std::uint8_t { kLocal, kGlobal, kWeak, kOther };
enum class SymbolType : std::uint8_t { kNone, kObject, kFunction, kSection, kFile, kOther };
enum class SymbolPlace : std::uint8_t { kUndefined, kAbsolute, kCommon, kSection };

struct Relocation {
  std::uint64_t offset = 0;  // bytes from the start of the section that it applies to
  std::uint32_t type = 0;    // the machine's number, R_X86_64_*
  SymbolIndex symbol;
  std::int64_t addend = 0;
};

struct Section {
  std::string_view name;
  std::uint32_t type = 0;   // SHT_*
  std::uint64_t flags = 0;  // SHF_*
  std::uint64_t address = 0;
  std::uint64_t size = 0;       // bytes in memory; of a compressed section, those that it unpacks to
  std::uint64_t alignment = 1;  // a power of two, at least 1
  std::uint64_t entry_size = 0;
  std::uint32_t link = 0;
  std::uint32_t info = 0;
  ByteView contents;                    // empty for SHT_NOBITS
  std::vector<Relocation> relocations;  // by rising offset, ties in the file's order; empty for those of linked images

  [[nodiscard]] bool is_allocated() const noexcept;   // SHF_ALLOC
  [[nodiscard]] bool is_writable() const noexcept;    // SHF_WRITE
  [[nodiscard]] bool is_executable() const noexcept;  // SHF_EXECINSTR
  [[nodiscard]] bool is_nobits() const noexcept;      // SHT_NOBITS
  [[nodiscard]] bool is_mergeable() const noexcept;   // SHF_MERGE
  [[nodiscard]] bool is_strings() const noexcept;     // SHF_STRINGS
  [[nodiscard]] bool is_compressed() const noexcept;  // SHF_COMPRESSED: `contents` is an Elf64_Chdr and packed bytes
};

struct Symbol {
  std::string_view name;
  SymbolBinding binding = SymbolBinding::kLocal;
  SymbolType type = SymbolType::kNone;
  SymbolPlace place = SymbolPlace::kUndefined;
  SectionIndex section;     // if place is kSection
  std::uint64_t value = 0;  // offset in the section (relocatable), address (linked), alignment (common)
  std::uint64_t size = 0;   // bytes

  [[nodiscard]] bool is_defined_in(SectionIndex index) const noexcept {
    return place == SymbolPlace::kSection && section == index;
  }
};

/// Immutable; owns the file's bytes, into which the views of its sections and symbols point. Movable: the views stay valid.
class Object {
 public:
  /// What messages call it: the path or the name given to parse_object.
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] FileType type() const noexcept { return type_; }
  [[nodiscard]] std::span<const Section> sections() const noexcept { return sections_; }
  [[nodiscard]] std::span<const Symbol> symbols() const noexcept { return symbols_; }
  /// Requires: index is one of this object's.
  [[nodiscard]] const Section& section(SectionIndex index) const { return sections_.at(index.value()); }
  [[nodiscard]] const Symbol& symbol(SymbolIndex index) const { return symbols_.at(index.value()); }
  /// The first section of that name.
  [[nodiscard]] std::optional<SectionIndex> find_section(std::string_view section_name) const noexcept;
  /// The whole file.
  [[nodiscard]] ByteView bytes() const noexcept { return bytes_.empty() ? mapping_.bytes() : ByteView(bytes_); }

 private:
  friend class ObjectParser;
  Object() = default;
  std::string name_;
  FileType type_ = FileType::kRelocatable;
  Bytes bytes_;         // or else
  MappedFile mapping_;  // the one that is not empty holds the file
  std::vector<Section> sections_;
  std::vector<Symbol> symbols_;
};

/// Accepts ELF64, little-endian, EM_X86_64, of type REL, EXEC or DYN, with RELA relocations. kMalformed or kUnsupported says which
/// header, section, symbol or relocation, with its numbers; kIo, kNotFound as read_file.
Result<Object> read_object(const std::filesystem::path& path);
/// The same over a mapping of the file, of which only what is looked at takes memory; the restrictions are MappedFile's.
Result<Object> map_object(const std::filesystem::path& path);
/// The same from memory. `name` is for messages.
Result<Object> parse_object(Bytes bytes, std::string name);

/// The first NT_GNU_BUILD_ID note of the object: in a section of any name whose type is SHT_NOTE, or named `section`.
/// Empty if it has none. kMalformed if a note runs out of its section.
Result<BuildId> build_id_of(const Object& object);
/// The same from the raw content of one note section.
Result<BuildId> build_id_of_note(ByteView note_section);

}  // namespace hotpatch::elf

// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/elf/pe_image.h"

#include <algorithm>
#include <charconv>

namespace hotpatch::elf {
namespace {

constexpr std::size_t kOffsetOfPeOffset = 0x3c;
constexpr std::uint16_t kMachineAmd64 = 0x8664;
constexpr std::size_t kCoffHeaderSize = 20;
constexpr std::uint16_t kPe32Plus = 0x20b;
constexpr std::size_t kDirectories = 112;  // bytes into the optional header
constexpr std::size_t kDebugDirectory = 6;
constexpr std::size_t kSectionHeaderSize = 40;
constexpr std::size_t kSymbolSize = 18;
constexpr std::size_t kDebugEntrySize = 28;
constexpr std::uint32_t kCodeView = 2;
constexpr std::size_t kGuidSize = 16;

constexpr std::uint32_t kExecute = 0x20000000;
constexpr std::uint32_t kWrite = 0x80000000;
constexpr std::uint32_t kDiscardable = 0x02000000;

constexpr std::uint8_t kClassExternal = 2;
constexpr std::uint8_t kClassStatic = 3;
constexpr std::uint8_t kClassFile = 103;
constexpr std::int16_t kUndefined = 0;

/// A hypervisor takes some megabytes; a section that is larger than all of its address space is none.
constexpr std::uint64_t kMaxSectionSize = std::uint64_t{1} << 30;

/// A text in a field of fixed width, which a NUL ends if it is shorter.
std::string_view padded_text(ByteView field) noexcept {
  const std::string_view text = as_text(field);
  return text.substr(0, std::min(text.find('\0'), text.size()));
}

}  // namespace

class PeParser {
 public:
  PeParser(Bytes bytes, std::string name) {
    image_.bytes_ = std::move(bytes);
    image_.name_ = std::move(name);
  }

  Result<PeImage> parse() {
    HP_TRY(read_headers());
    HP_TRY(read_strings());
    HP_TRY(read_sections());
    HP_TRY(read_build_id());
    HP_TRY(read_symbols());
    return std::move(image_);
  }

 private:
  [[nodiscard]] tl::unexpected<Error> malformed(const std::string& what) const {
    return fail(Errc::kMalformed, image_.name_ + ": " + what);
  }
  Result<ByteView> part(std::uint64_t offset, std::uint64_t size, const std::string& what) const {
    const ByteView all = image_.bytes_;
    if (offset > all.size() || size > all.size() - offset)
      return malformed(what + " at " + hex(offset) + ", " + std::to_string(size) + " bytes, runs out of the file of " +
                       std::to_string(all.size()));
    return all.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(size));
  }

  Result<> read_headers() {
    if (!PeImage::has_magic(image_.bytes_)) return malformed("not a PE file");
    HP_ASSIGN(const ByteView place, part(kOffsetOfPeOffset, 4, "the offset of the PE header"));
    const std::uint64_t at = load_le<std::uint32_t>(place, 0);
    HP_ASSIGN(const ByteView header, part(at, 4 + kCoffHeaderSize, "the PE header"));
    if (as_text(header.first(4)) != std::string_view("PE\0\0", 4)) return malformed("no PE header at " + hex(at));
    const ByteView coff = header.subspan(4);
    const auto machine = load_le<std::uint16_t>(coff, 0);
    if (machine != kMachineAmd64)
      return fail(Errc::kUnsupported, image_.name_ + ": machine " + hex(machine) + " is not x86-64 (0x8664)");
    section_count_ = load_le<std::uint16_t>(coff, 2);
    symbols_at_ = load_le<std::uint32_t>(coff, 8);
    symbol_count_ = load_le<std::uint32_t>(coff, 12);
    const std::uint64_t optional_at = at + header.size();
    HP_ASSIGN(optional_, part(optional_at, load_le<std::uint16_t>(coff, 16), "the optional header"));
    if (optional_.size() < kDirectories || load_le<std::uint16_t>(optional_, 0) != kPe32Plus)
      return fail(Errc::kUnsupported, image_.name_ + ": not a 64-bit PE file (PE32+)");
    base_ = load_le<std::uint64_t>(optional_, 24);
    sections_at_ = optional_at + optional_.size();
    return {};
  }

  Result<> read_strings() {
    if (symbols_at_ == 0) return {};
    const std::uint64_t at = symbols_at_ + symbol_count_ * kSymbolSize;
    HP_ASSIGN(const ByteView length, part(at, 4, "the string table"));
    HP_ASSIGN(strings_, part(at, load_le<std::uint32_t>(length, 0), "the string table"));
    return {};
  }

  /// "/123" is a name that is too long for the field, and at 123 of the string table.
  Result<std::string_view> section_name(ByteView field) const {
    const std::string_view name = padded_text(field);
    std::uint32_t offset = 0;
    if (!name.starts_with('/')) return name;
    const auto [end, failure] = std::from_chars(name.data() + 1, name.data() + name.size(), offset);
    if (failure != std::errc() || end != name.data() + name.size()) return name;
    return long_name(offset);
  }

  Result<> read_sections() {
    HP_ASSIGN(const ByteView headers, part(sections_at_, section_count_ * kSectionHeaderSize, "the section headers"));
    for (std::size_t number = 0; number < section_count_; ++number) {
      const ByteView header = headers.subspan(number * kSectionHeaderSize, kSectionHeaderSize);
      PeSection section;
      HP_ASSIGN(section.name, section_name(header.first(8)));
      const std::string what = "section " + std::to_string(number + 1) + " '" + std::string(section.name) + "'";
      section.size = load_le<std::uint32_t>(header, 8);
      section.address = base_ + load_le<std::uint32_t>(header, 12);
      const std::uint64_t raw_size = load_le<std::uint32_t>(header, 16);
      const auto flags = load_le<std::uint32_t>(header, 36);
      section.is_executable = (flags & kExecute) != 0;
      section.is_writable = (flags & kWrite) != 0;
      section.is_discardable = (flags & kDiscardable) != 0;
      if (section.size > kMaxSectionSize) return malformed(what + ": " + hex(section.size) + " bytes are too many");
      HP_ASSIGN(const ByteView raw, part(load_le<std::uint32_t>(header, 20), raw_size, what));
      section.contents = raw.first(static_cast<std::size_t>(std::min<std::uint64_t>(raw.size(), section.size)));  // else padding
      image_.sections_.push_back(section);
    }
    return {};
  }

  /// `size` bytes of the sections' contents at an address relative to the image's base.
  [[nodiscard]] std::optional<ByteView> at_rva(std::uint64_t rva, std::uint64_t size) const noexcept {
    for (const PeSection& section : image_.sections_) {
      const std::uint64_t offset = base_ + rva - section.address;
      if (offset <= section.contents.size() && size <= section.contents.size() - offset)
        return section.contents.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(size));
    }
    return std::nullopt;
  }

  Result<> read_build_id() {
    const auto directories = load_le<std::uint32_t>(optional_, kDirectories - 4);
    const std::size_t entry = kDirectories + kDebugDirectory * 8;
    if (directories <= kDebugDirectory || optional_.size() < entry + 8) return {};
    const auto size = load_le<std::uint32_t>(optional_, entry + 4);
    if (size == 0) return {};
    const auto table = at_rva(load_le<std::uint32_t>(optional_, entry), size);
    if (!table) return malformed("the debug directory is in no section");
    for (std::size_t at = 0; at + kDebugEntrySize <= table->size(); at += kDebugEntrySize) {
      if (load_le<std::uint32_t>(*table, at + 12) != kCodeView) continue;
      const auto record = at_rva(load_le<std::uint32_t>(*table, at + 20), 4 + kGuidSize);
      if (!record) return malformed("the CodeView record is in no section");
      if (as_text(record->first(4)) != "RSDS") continue;
      image_.build_id_ = BuildId(record->subspan(4));
      return {};
    }
    return {};
  }

  Result<std::string_view> long_name(std::uint32_t offset) const {
    const std::string_view strings = as_text(strings_);
    const std::size_t end = offset < strings.size() ? strings.find('\0', offset) : std::string_view::npos;
    if (end == std::string_view::npos)
      return malformed("a name at " + hex(offset) + " of the string table, which has none there");
    return strings.substr(offset, end - offset);
  }
  /// The name in a field that holds it, or four zeros and where it is in the string table.
  Result<std::string_view> name_in(ByteView field) const {
    if (load_le<std::uint32_t>(field, 0) != 0) return padded_text(field);
    if (load_le<std::uint32_t>(field, 4) == 0) return std::string_view();
    return long_name(load_le<std::uint32_t>(field, 4));
  }

  Result<> read_symbols() {
    if (symbols_at_ == 0 || symbol_count_ == 0) return {};
    HP_ASSIGN(const ByteView table, part(symbols_at_, symbol_count_ * kSymbolSize, "the symbol table"));
    for (std::size_t number = 0; number < symbol_count_; ++number) {
      const ByteView raw = table.subspan(number * kSymbolSize, kSymbolSize);
      const std::string what = "symbol " + std::to_string(number);
      const auto type = load_le<std::uint8_t>(raw, 16);
      const auto more = load_le<std::uint8_t>(raw, 17);
      if (more >= symbol_count_ - number) return malformed(what + ": its auxiliary records run out of the symbol table");
      const ByteView auxiliary = table.subspan((number + 1) * kSymbolSize, more * kSymbolSize);
      number += more;
      PeSymbol symbol;
      if (type == kClassFile) {
        if (more == 0) return malformed(what + ": a file without its name");
        symbol.kind = PeSymbolKind::kFile;
        HP_ASSIGN(symbol.name, name_in(auxiliary.first(kSymbolSize)));
        image_.symbols_.push_back(symbol);
        continue;
      }
      if (type != kClassExternal && type != kClassStatic) continue;
      HP_ASSIGN(symbol.name, name_in(raw.first(8)));
      const auto section = load_le<std::int16_t>(raw, 12);
      if (section == kUndefined) continue;
      symbol.kind = type == kClassExternal ? PeSymbolKind::kGlobal : PeSymbolKind::kLocal;
      symbol.value = load_le<std::uint32_t>(raw, 8);
      if (section > 0) {
        symbol.section = static_cast<std::size_t>(section) - 1;
        if (*symbol.section >= image_.sections_.size())
          return malformed(what + " '" + std::string(symbol.name) + "': section " + std::to_string(section) + " of " +
                           std::to_string(image_.sections_.size()));
        symbol.value += image_.sections_[*symbol.section].address;
      }
      image_.symbols_.push_back(symbol);
    }
    return {};
  }

  PeImage image_;
  ByteView optional_;
  ByteView strings_;
  std::uint64_t base_ = 0;
  std::uint64_t sections_at_ = 0;
  std::uint64_t symbols_at_ = 0;
  std::uint64_t symbol_count_ = 0;
  std::size_t section_count_ = 0;
};

bool PeImage::has_magic(ByteView bytes) noexcept { return as_text(bytes).starts_with("MZ"); }

Result<PeImage> PeImage::parse(Bytes bytes, std::string name) { return PeParser(std::move(bytes), std::move(name)).parse(); }

}  // namespace hotpatch::elf

// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/elf/unit_names.h"

#include <algorithm>
#include <map>
#include <optional>

#include "common/elf/object.h"

namespace hotpatch::elf {
namespace {

// ELF-64 Object File Format 1.5, figures 2, 6 and 8: offsets of the fields that are read, and sizes of records.
constexpr std::size_t kHeaderSize = 64;
constexpr std::size_t kSectionHeaders = 40;  // e_shoff
constexpr std::size_t kSectionCount = 60;    // e_shnum
constexpr std::size_t kNamesIndex = 62;      // e_shstrndx
constexpr std::size_t kSectionHeaderSize = 64;
constexpr std::size_t kRelaSize = 24;
constexpr std::uint32_t kTypeNobits = 8;
constexpr std::uint32_t kTypeNote = 7;
constexpr std::uint64_t kFlagCompressed = 0x800;

// DWARF 5, 7.5.
enum : std::uint64_t { kTagCompileUnit = 0x11, kAtName = 0x03, kAtCompDir = 0x1b, kAtProducer = 0x25 };
enum : std::uint8_t { kUnitCompile = 0x01, kUnitSkeleton = 0x04 };
enum Form : std::uint64_t {
  kAddr = 0x01,
  kBlock2 = 0x03,
  kBlock4 = 0x04,
  kData2 = 0x05,
  kData4 = 0x06,
  kData8 = 0x07,
  kString = 0x08,
  kBlock = 0x09,
  kBlock1 = 0x0a,
  kData1 = 0x0b,
  kFlag = 0x0c,
  kSdata = 0x0d,
  kStrp = 0x0e,
  kUdata = 0x0f,
  kSecOffset = 0x17,
  kExprloc = 0x18,
  kFlagPresent = 0x19,
  kData16 = 0x1e,
  kLineStrp = 0x1f,
  kImplicitConst = 0x21,
};

struct RawSection {
  std::string_view name;
  std::uint32_t type = 0;
  std::uint64_t flags = 0;
  ByteView bytes;
};

/// Reads forwards; after the first read outside of its bytes, everything reads as 0 and ok() is false.
class Cursor {
 public:
  Cursor(ByteView bytes, std::uint64_t at) : bytes_(bytes), at_(at), ok_(at <= bytes.size()) {}
  [[nodiscard]] bool ok() const noexcept { return ok_; }
  [[nodiscard]] std::uint64_t at() const noexcept { return at_; }
  void skip(std::uint64_t count) {
    if (!ok_ || count > bytes_.size() - at_)
      ok_ = false;
    else
      at_ += count;
  }
  template <typename T>
  T take() {
    if (!ok_ || sizeof(T) > bytes_.size() - at_) {
      ok_ = false;
      return 0;
    }
    const T value = load_le<T>(bytes_, at_);
    at_ += sizeof(T);
    return value;
  }
  std::uint64_t uleb() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto byte = take<std::uint8_t>();
      value |= static_cast<std::uint64_t>(byte & 0x7fU) << shift;
      if ((byte & 0x80U) == 0) return value;
    }
    ok_ = false;
    return 0;
  }
  std::string_view text() {
    const std::string_view rest = ok_ ? as_text(bytes_.subspan(at_)) : std::string_view();
    const std::size_t end = rest.find('\0');
    if (end == std::string_view::npos) {
      ok_ = false;
      return {};
    }
    at_ += end + 1;
    return rest.substr(0, end);
  }

 private:
  ByteView bytes_;
  std::uint64_t at_;
  bool ok_;
};

class NameReader {
 public:
  NameReader(ByteView file, const std::string& name) : file_(file), name_(name) {}

  Result<UnitNames> run() {
    HP_TRY(read_sections());
    UnitNames names;
    for (const RawSection& section : sections_) {
      if (section.type != kTypeNote || !names.build_id.empty()) continue;
      HP_ASSIGN_DOING(name_, names.build_id, build_id_of_note(section.bytes));
    }
    const RawSection* info = find(".debug_info");
    if (info == nullptr) return fail(Errc::kNotFound, name_ + ": has no debugging information");
    for (const char* wanted : {".debug_info", ".debug_abbrev", ".debug_str", ".debug_line_str"}) {
      const RawSection* section = find(wanted);
      if (section != nullptr && (section->flags & kFlagCompressed) != 0)
        return fail(Errc::kUnsupported, name_ + ": " + wanted + " is compressed");
    }
    info_ = info->bytes;
    abbrev_ = bytes_of(".debug_abbrev");
    strings_ = bytes_of(".debug_str");
    line_strings_ = bytes_of(".debug_line_str");
    // Those of a linked image that kept them are no longer to be applied: its fields hold the final values.
    if (load_le<std::uint16_t>(file_, 16) == 1) relocations_ = bytes_of(".rela.debug_info");
    for (std::uint64_t at = 0; at < info_.size();) {
      std::uint64_t next = 0;
      HP_ASSIGN(const std::optional<UnitName> unit, read_unit(at, next));
      if (unit) names.units.push_back(*unit);
      at = next;
    }
    return names;
  }

 private:
  [[nodiscard]] tl::unexpected<Error> bad(std::uint64_t at, const std::string& what) const {
    return fail(Errc::kMalformed, name_ + ": unit at " + hex(at) + " of .debug_info: " + what);
  }

  Result<> read_sections() {
    const auto malformed = [&](const char* what) { return fail(Errc::kMalformed, name_ + ": " + what); };
    if (file_.size() < kHeaderSize || as_text(file_.first(6)) != std::string_view("\177ELF\2\1", 6))
      return malformed("not an ELF64 little-endian file");
    const auto begin = load_le<std::uint64_t>(file_, kSectionHeaders);
    const auto count = load_le<std::uint16_t>(file_, kSectionCount);
    const auto names_index = load_le<std::uint16_t>(file_, kNamesIndex);
    if (begin > file_.size() || (file_.size() - begin) / kSectionHeaderSize < count || names_index >= count)
      return malformed("its section headers are not in the file");
    std::vector<std::uint32_t> name_offsets;
    for (std::size_t i = 0; i < count; ++i) {
      const ByteView header = file_.subspan(begin + i * kSectionHeaderSize, kSectionHeaderSize);
      RawSection section;
      section.type = load_le<std::uint32_t>(header, 4);
      section.flags = load_le<std::uint64_t>(header, 8);
      const auto offset = load_le<std::uint64_t>(header, 24);
      const auto size = load_le<std::uint64_t>(header, 32);
      if (section.type != kTypeNobits && section.type != 0) {
        if (offset > file_.size() || size > file_.size() - offset) return malformed("a section is not in the file");
        section.bytes = file_.subspan(offset, size);
      }
      name_offsets.push_back(load_le<std::uint32_t>(header, 0));
      sections_.push_back(section);
    }
    const ByteView texts = sections_[names_index].bytes;
    for (std::size_t i = 0; i < count; ++i) sections_[i].name = Cursor(texts, name_offsets[i]).text();
    return {};
  }

  [[nodiscard]] const RawSection* find(std::string_view wanted) const {
    const auto found = std::ranges::find(sections_, wanted, &RawSection::name);
    return found == sections_.end() ? nullptr : &*found;
  }
  [[nodiscard]] ByteView bytes_of(std::string_view wanted) const {
    const RawSection* section = find(wanted);
    return section == nullptr ? ByteView() : section->bytes;
  }

  /// What the linker will put (or has put) into the 32-bit field of .debug_info at `at`. The debugging sections begin at 0, so the
  /// addend alone counts.
  std::uint64_t relocated(std::uint64_t at, std::uint64_t in_place) const {
    std::size_t low = 0;
    std::size_t high = relocations_.size() / kRelaSize;
    while (low < high) {
      const std::size_t middle = (low + high) / 2;
      const auto offset = load_le<std::uint64_t>(relocations_, middle * kRelaSize);
      if (offset == at) return load_le<std::uint64_t>(relocations_, middle * kRelaSize + 16);
      if (offset < at)
        low = middle + 1;
      else
        high = middle;
    }
    return in_place;
  }

  Result<std::optional<UnitName>> read_unit(std::uint64_t begin, std::uint64_t& next) {
    Cursor cursor(info_, begin);
    const std::uint64_t length = cursor.take<std::uint32_t>();
    if (length >= 0xfffffff0U) return fail(Errc::kUnsupported, name_ + ": 64-bit DWARF");
    if (!cursor.ok() || length > info_.size() - cursor.at()) return bad(begin, "runs out of the section");
    next = cursor.at() + length;
    const auto version = cursor.take<std::uint16_t>();
    if (version < 4 || version > 5) return fail(Errc::kUnsupported, name_ + ": DWARF version " + std::to_string(version));
    std::uint8_t type = kUnitCompile;
    std::uint64_t abbreviations = 0;
    if (version == 5) {
      type = cursor.take<std::uint8_t>();
      address_size_ = cursor.take<std::uint8_t>();
    }
    const std::uint64_t place = cursor.at();
    abbreviations = relocated(place, cursor.take<std::uint32_t>());
    if (version == 4) address_size_ = cursor.take<std::uint8_t>();
    if (type != kUnitCompile && type != kUnitSkeleton) return std::optional<UnitName>();
    const std::uint64_t code = cursor.uleb();
    Cursor entry(abbrev_, abbreviations);
    HP_TRY(find_abbreviation(begin, entry, code));
    if (entry.uleb() != kTagCompileUnit) return std::optional<UnitName>();
    (void)entry.take<std::uint8_t>();  // whether it has children
    UnitName unit;
    for (;;) {
      const std::uint64_t attribute = entry.uleb();
      const std::uint64_t form = entry.uleb();
      if (form == kImplicitConst) (void)entry.uleb();
      if (!entry.ok() || !cursor.ok()) return bad(begin, "its first entry runs out of the section");
      if (attribute == 0 && form == 0) break;
      HP_ASSIGN(const std::string_view text, read_value(begin, cursor, form));
      if (attribute == kAtName) unit.name = text;
      if (attribute == kAtCompDir) unit.directory = text;
      if (attribute == kAtProducer) unit.producer = text;
    }
    return std::optional<UnitName>(unit);
  }

  /// Leaves `entry` behind the code of the abbreviation. It is the first one of its table or soon after: GCC numbers by use.
  Result<> find_abbreviation(std::uint64_t begin, Cursor& entry, std::uint64_t code) const {
    for (;;) {
      const std::uint64_t found = entry.uleb();
      if (!entry.ok() || found == 0) return bad(begin, "has no abbreviation " + std::to_string(code));
      if (found == code) return {};
      (void)entry.uleb();
      (void)entry.take<std::uint8_t>();
      for (;;) {
        const std::uint64_t attribute = entry.uleb();
        const std::uint64_t form = entry.uleb();
        if (form == kImplicitConst) (void)entry.uleb();
        if (!entry.ok() || (attribute == 0 && form == 0)) break;
      }
    }
  }

  Result<std::string_view> read_value(std::uint64_t begin, Cursor& cursor, std::uint64_t form) const {
    switch (form) {
      case kStrp:
      case kLineStrp: {
        const std::uint64_t place = cursor.at();
        const std::uint64_t offset = relocated(place, cursor.take<std::uint32_t>());
        Cursor text(form == kStrp ? strings_ : line_strings_, offset);
        const std::string_view value = text.text();
        if (!text.ok()) return bad(begin, "a name is outside of the strings");
        return value;
      }
      case kString: return cursor.text();
      case kAddr: cursor.skip(address_size_); break;
      case kData1:
      case kFlag: cursor.skip(1); break;
      case kData2: cursor.skip(2); break;
      case kData4:
      case kSecOffset: cursor.skip(4); break;
      case kData8: cursor.skip(8); break;
      case kData16: cursor.skip(16); break;
      case kSdata:
      case kUdata: (void)cursor.uleb(); break;
      case kBlock1: cursor.skip(cursor.take<std::uint8_t>()); break;
      case kBlock2: cursor.skip(cursor.take<std::uint16_t>()); break;
      case kBlock4: cursor.skip(cursor.take<std::uint32_t>()); break;
      case kBlock:
      case kExprloc: cursor.skip(cursor.uleb()); break;
      case kFlagPresent:
      case kImplicitConst: break;
      default: return fail(Errc::kUnsupported, name_ + ": unit at " + hex(begin) + ": form " + hex(form) + " in its first entry");
    }
    return std::string_view();
  }

  ByteView file_;
  const std::string& name_;
  std::vector<RawSection> sections_;
  ByteView info_;
  ByteView abbrev_;
  ByteView strings_;
  ByteView line_strings_;
  ByteView relocations_;
  std::uint8_t address_size_ = 8;
};

}  // namespace

Result<UnitNames> read_unit_names(ByteView file, const std::string& name) { return NameReader(file, name).run(); }

}  // namespace hotpatch::elf

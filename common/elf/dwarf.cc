// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/elf/dwarf.h"

#include <algorithm>
#include <list>

#include <llvm/Object/Decompressor.h>

#include "common/support/file.h"

namespace hotpatch::elf {
namespace {

/// What a relocation of debugging data puts where (System V ABI for AMD64, table 4.9).
enum RelocationType : std::uint32_t { kNone = 0, k64 = 1, k32 = 10, k32Signed = 11, kThreadOffset64 = 17, kThreadOffset32 = 21 };

llvm::StringRef text_of(ByteView bytes) { return {as_text(bytes).data(), bytes.size()}; }

/// Of a section, what a symbol's value and the addend come to; a symbol that is not defined here counts as 0.
std::uint64_t value_of(const Object& object, const Relocation& relocation) {
  const Symbol& symbol = object.symbol(relocation.symbol);
  const bool is_known = symbol.place == SymbolPlace::kSection || symbol.place == SymbolPlace::kAbsolute;
  return (is_known ? symbol.value : 0) + static_cast<std::uint64_t>(relocation.addend);
}

/// The debugging sections of one object as LLVM wants to see them.
///
/// LLVM's own way to an object file makes a table of all relocations of all debugging sections before it reads anything, most of them of
/// sections that nobody asks for (places of variables, unwinding): several times what the reading itself takes. Here they are written
/// into a copy of those sections that are read, once. Line tables are left as they are, because there the section counts as well as the
/// value: find() is asked for each.
class DebugSections : public llvm::DWARFObject {
 public:
  static Result<std::unique_ptr<DebugSections>> make(const Object& object) {
    std::unique_ptr<DebugSections> sections(new DebugSections(object));
    for (const Section& section : object.sections()) HP_TRY(sections->add(section));
    return sections;
  }

  /// Of the first .debug_info.
  [[nodiscard]] const Section* info_section() const { return info_section_; }
  [[nodiscard]] llvm::StringRef info() const { return info_.empty() ? llvm::StringRef() : info_.front().Data; }

  [[nodiscard]] llvm::StringRef getFileName() const override { return object_.name(); }
  [[nodiscard]] bool isLittleEndian() const override { return true; }
  [[nodiscard]] std::uint8_t getAddressSize() const override { return 8; }
  void forEachInfoSections(llvm::function_ref<void(const llvm::DWARFSection&)> visit) const override {
    for (const llvm::DWARFSection& section : info_) visit(section);
  }
  void forEachTypesSections(llvm::function_ref<void(const llvm::DWARFSection&)> visit) const override {
    for (const llvm::DWARFSection& section : types_) visit(section);
  }
  [[nodiscard]] llvm::StringRef getAbbrevSection() const override { return abbrev_.Data; }
  [[nodiscard]] llvm::StringRef getStrSection() const override { return str_.Data; }
  [[nodiscard]] llvm::StringRef getLineStrSection() const override { return line_str_.Data; }
  [[nodiscard]] const llvm::DWARFSection& getLineSection() const override { return line_; }
  [[nodiscard]] const llvm::DWARFSection& getStrOffsetsSection() const override { return str_offsets_; }

  [[nodiscard]] std::optional<llvm::RelocAddrEntry> find(const llvm::DWARFSection& section, std::uint64_t at) const override {
    if (&section != &line_ || line_section_ == nullptr) return std::nullopt;
    const auto found = std::ranges::lower_bound(line_section_->relocations, at, {}, &Relocation::offset);
    if (found == line_section_->relocations.end() || found->offset != at || found->type == kNone) return std::nullopt;
    const Symbol& symbol = object_.symbol(found->symbol);
    const std::uint64_t index = symbol.place == SymbolPlace::kSection
                                    ? symbol.section.value()
                                    : std::uint64_t{llvm::object::SectionedAddress::UndefSection};
    const auto the_value = [](std::uint64_t, std::uint64_t, std::uint64_t value, std::uint64_t, std::int64_t) { return value; };
    return llvm::RelocAddrEntry{index, {}, value_of(object_, *found), std::nullopt, 0, the_value};
  }

 private:
  explicit DebugSections(const Object& object) : object_(object) {}

  Result<> add(const Section& section) {
    if (section.name == ".debug_info") {
      if (info_section_ == nullptr) info_section_ = &section;
      return take(section, info_.emplace_back());
    }
    if (section.name == ".debug_types") return take(section, types_.emplace_back());
    if (section.name == ".debug_abbrev") return take(section, abbrev_);
    if (section.name == ".debug_str") return take(section, str_);
    if (section.name == ".debug_line_str") return take(section, line_str_);
    if (section.name == ".debug_str_offsets") return take(section, str_offsets_);
    if (section.name == ".debug_line" && line_section_ == nullptr) {
      line_section_ = &section;
      return take(section, line_);
    }
    return {};
  }

  /// Of several sections of one name, which only groups of type units have, all but the abbreviations and strings count.
  Result<> take(const Section& section, llvm::DWARFSection& made) {
    if (!made.Data.empty()) return {};
    const bool is_line = &made == &line_;
    if (!section.is_compressed() && (is_line || section.relocations.empty())) {
      made.Data = text_of(section.contents);
      return {};
    }
    std::vector<std::uint8_t>& copy = copies_.emplace_back();
    if (section.is_compressed()) {
      HP_TRY(unpack(section, copy));
    } else {
      const auto* const bytes = reinterpret_cast<const std::uint8_t*>(section.contents.data());
      copy.assign(bytes, bytes + section.contents.size());
    }
    if (!is_line) HP_TRY(relocate(section, copy));
    made.Data = llvm::StringRef(reinterpret_cast<const char*>(copy.data()), copy.size());
    return {};
  }

  [[nodiscard]] tl::unexpected<Error> bad(const Section& section, const std::string& what) const {
    return fail(Errc::kMalformed, object_.name() + ": " + std::string(section.name) + ": " + what);
  }

  Result<> unpack(const Section& section, std::vector<std::uint8_t>& copy) const {
    const std::string name(section.name);
    auto unpacker = llvm::object::Decompressor::create(name, text_of(section.contents), true, true);
    if (!unpacker) return bad(section, llvm::toString(unpacker.takeError()));
    // What zlib and zstd make of zeros; more than that was made to fill the memory.
    constexpr std::uint64_t kMostPerByte = 1 << 14;
    if (unpacker->getDecompressedSize() / kMostPerByte > section.contents.size())
      return bad(section, std::to_string(unpacker->getDecompressedSize()) + " bytes cannot be packed into " +
                              std::to_string(section.contents.size()));
    if (llvm::Error error = unpacker->resizeAndDecompress(copy)) return bad(section, llvm::toString(std::move(error)));
    return {};
  }

  Result<> relocate(const Section& section, std::vector<std::uint8_t>& copy) const {
    for (const Relocation& relocation : section.relocations) {
      std::size_t size = 4;
      switch (relocation.type) {
        case kNone:
        case kThreadOffset64:  // where a variable of a thread is: nothing that is read here
        case kThreadOffset32: continue;
        case k64: size = 8; break;
        case k32:
        case k32Signed: break;
        default:
          return fail(Errc::kUnsupported, object_.name() + ": " + std::string(section.name) + "+" + hex(relocation.offset) +
                                              ": relocation type " + std::to_string(relocation.type) +
                                              " in debugging information");
      }
      if (relocation.offset > copy.size() || size > copy.size() - relocation.offset)
        return bad(section, "a relocation at " + hex(relocation.offset) + " runs out of its " + hex(copy.size()) + " bytes");
      const std::uint64_t value = value_of(object_, relocation);
      std::memcpy(copy.data() + relocation.offset, &value, size);  // little-endian, as the file
    }
    return {};
  }

  const Object& object_;
  std::list<std::vector<std::uint8_t>> copies_;
  std::list<llvm::DWARFSection> info_;
  std::list<llvm::DWARFSection> types_;
  llvm::DWARFSection abbrev_;
  llvm::DWARFSection str_;
  llvm::DWARFSection line_str_;
  llvm::DWARFSection str_offsets_;
  llvm::DWARFSection line_;
  const Section* info_section_ = nullptr;
  const Section* line_section_ = nullptr;
};

/// Whether LLVM can read the header of the line table at `offset`. It takes the forms of a version 5 header (DWARF 5, section 6.2.4,
/// directory_entry_format and file_name_entry_format) for granted: one that it does not know sends it anywhere.
bool has_known_forms(const llvm::DWARFDataExtractor& data, std::uint64_t offset) {
  using namespace llvm::dwarf;
  llvm::DataExtractor::Cursor cursor(offset);
  const auto [length, format] = data.getInitialLength(cursor);
  const unsigned version = data.getU16(cursor);
  if (!cursor || version != 5) return !llvm::errorToBool(cursor.takeError());
  (void)data.getU16(cursor);  // address and segment selector size
  (void)data.getRelocatedValue(cursor, getDwarfOffsetByteSize(format));
  (void)data.getU32(cursor);  // minimum instruction length, maximum operations, default_is_stmt, line_base
  (void)data.getU8(cursor);   // line_range
  const unsigned opcode_base = data.getU8(cursor);
  for (unsigned opcode = 1; opcode < opcode_base; ++opcode) (void)data.getU8(cursor);
  bool known = true;
  const FormParams parameters{5, 8, format};
  for (unsigned list = 0; list < 2 && cursor && known; ++list) {
    std::vector<Form> forms(data.getU8(cursor));
    for (Form& form : forms) {
      (void)data.getULEB128(cursor);
      form = static_cast<Form>(data.getULEB128(cursor));
      known = known && (form == DW_FORM_string || form == DW_FORM_line_strp || form == DW_FORM_strp || form == DW_FORM_udata ||
                        form == DW_FORM_data1 || form == DW_FORM_data2 || form == DW_FORM_data4 || form == DW_FORM_data8 ||
                        form == DW_FORM_data16 || form == DW_FORM_block);
    }
    if (!known || !cursor) break;
    const std::uint64_t count = data.getULEB128(cursor);
    std::uint64_t at = cursor.tell();
    if (!forms.empty() && count > data.size()) known = false;  // each entry has a byte at least
    for (std::uint64_t entry = 0; known && entry < count && !forms.empty(); ++entry)
      for (const Form form : forms) known = known && llvm::DWARFFormValue::skipValue(form, data, &at, parameters);
    cursor.seek(at);
  }
  return !llvm::errorToBool(cursor.takeError()) && known;
}

}  // namespace

Result<std::unique_ptr<Dwarf>> Dwarf::open(const Object& object) {
  if (!object.find_section(".debug_info"))
    return fail(Error(Errc::kNotFound, object.name() + ": has no debugging information").with_remedy("compile it with -g"));
  HP_ASSIGN(std::unique_ptr<DebugSections> sections, DebugSections::make(object));
  std::unique_ptr<Dwarf> dwarf(new Dwarf(object.name()));
  dwarf->info_section_ = sections->info_section();
  dwarf->info_ = sections->info();
  Dwarf* self = dwarf.get();
  const auto collect = [self](llvm::Error error) {
    std::string text = llvm::toString(std::move(error));
    if (self->complaint_.empty()) self->complaint_ = std::move(text);
  };
  const auto ignore = [](llvm::Error error) { llvm::consumeError(std::move(error)); };
  dwarf->context_ = std::make_unique<llvm::DWARFContext>(std::move(sections), "", collect, ignore);
  if (object.type() == FileType::kRelocatable) {
    for (const auto& unit : dwarf->context_->info_section_units()) HP_TRY(dwarf->check_entries(*unit, false));
    for (const auto& unit : dwarf->context_->types_section_units()) HP_TRY(dwarf->check_entries(*unit, false));
  }
  HP_TRY(dwarf->check());
  return dwarf;
}

const Relocation* Dwarf::relocation_of_info(const void* place) const {
  const auto* const at = static_cast<const char*>(place);
  if (info_.empty() || at < info_.begin() || at >= info_.end()) return nullptr;
  const auto offset = static_cast<std::uint64_t>(at - info_.begin());
  const auto found = std::ranges::lower_bound(info_section_->relocations, offset, {}, &Relocation::offset);
  return found == info_section_->relocations.end() || found->offset != offset ? nullptr : &*found;
}

std::optional<std::uint64_t> Dwarf::line_table_of(llvm::DWARFUnit& unit) const {
  return llvm::dwarf::toSectionOffset(unit.getUnitDIE().find(llvm::dwarf::DW_AT_stmt_list));
}

bool Dwarf::can_read_lines(llvm::DWARFUnit& unit) const {
  const auto offset = line_table_of(unit);
  const llvm::DWARFObject& sections = context_->getDWARFObj();
  return !offset || has_known_forms({sections, sections.getLineSection(), true, 8}, *offset);
}

std::optional<llvm::DWARFDebugLine::Prologue> Dwarf::line_header(llvm::DWARFUnit& unit) const {
  auto offset = line_table_of(unit);
  if (!offset || !can_read_lines(unit)) return std::nullopt;
  const llvm::DWARFObject& sections = context_->getDWARFObj();
  const llvm::DWARFDataExtractor data(sections, sections.getLineSection(), true, 8);
  const auto ignore = [](llvm::Error error) { llvm::consumeError(std::move(error)); };
  llvm::DWARFDebugLine::Prologue header;
  if (llvm::errorToBool(header.parse(data, &*offset, ignore, *context_, &unit))) return std::nullopt;
  return header;
}

Result<> Dwarf::check() const {
  if (!complaint_.empty()) return fail(Errc::kMalformed, name_ + ": debugging information: " + complaint_);
  return {};
}

}  // namespace hotpatch::elf

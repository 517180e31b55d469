// SPDX-License-Identifier: GPL-2.0-or-later
//
// From the file to a relocated block of memory.
#include "xen/check/emulator.h"

#include <elf.h>

#include <algorithm>
#include <cerrno>

#include "common/support/checked_math.h"
#include "xen/payload/payload.h"

namespace hotpatch::xen::check {
namespace {

/// Xen's ROUNDUP, which gives 0 for an alignment of 0.
std::uint64_t round_up(std::uint64_t value, std::uint64_t alignment) noexcept {
  return (value + alignment - 1) & ~(alignment - 1);
}

std::uint64_t to_pages(std::uint64_t size) noexcept { return align_up(size, kPageSize); }

/// More than the address space for payloads: nothing that Xen could allocate.
constexpr std::uint64_t kAbsurd = std::uint64_t{1} << 40;

}  // namespace

const char* error_name(int error) noexcept {
  switch (error) {
    case EINVAL: return "EINVAL";
    case EEXIST: return "EEXIST";
    case ENOENT: return "ENOENT";
    case ENOMEM: return "ENOMEM";
    case EOPNOTSUPP: return "EOPNOTSUPP";
    case EOVERFLOW: return "EOVERFLOW";
    case ERANGE: return "ERANGE";
    case EFAULT: return "EFAULT";
    default: return "an error";
  }
}

bool Emulator::refuse(int error, const char* step, std::string reason, std::string place) {
  answer_ = {.response = Response::kRefused,
             .error = error,
             .error_name = error_name(error),
             .step = step,
             .reason = std::move(reason),
             .place = std::move(place)};
  return false;
}

bool Emulator::crash(const char* rule, const char* step, std::string reason, std::string place) {
  findings_.add({.rule = rule,
                 .severity = Severity::kError,
                 .where = {.unit = {}, .symbol = {}, .section = place, .source = {}},
                 .text = reason + ": the host would crash at upload",
                 .remedy = {}});
  answer_ = {.response = Response::kCrash,
             .error = 0,
             .error_name = {},
             .step = step,
             .reason = std::move(reason),
             .place = std::move(place)};
  return false;
}

std::string Emulator::describe(std::size_t section) const {
  const std::string_view name = section < sections_.size() ? sections_[section].name : std::string_view();
  return "section " + std::to_string(section) + (name.empty() ? "" : " (" + std::string(name) + ")");
}

const RawSection* Emulator::find(std::string_view name) const noexcept {
  for (std::size_t number = 1; number < sections_.size(); ++number) {
    if (sections_[number].name == name) return &sections_[number];
  }
  return nullptr;
}

ByteView Emulator::contents(const RawSection& section) const noexcept {
  if (section.is_nobits() || section.offset > file_.size() || section.size > file_.size() - section.offset) return {};
  return file_.subspan(static_cast<std::size_t>(section.offset), static_cast<std::size_t>(section.size));
}

void Emulator::load_names() {
  if (!xen_.is_seen()) return;
  for (const elf::ImageSymbol& symbol : xen_.image().symbols()) {
    if (symbol.name.empty() || symbol.name.find("_compiled.") != std::string_view::npos) continue;
    std::string name;
    if (symbol.binding == elf::SymbolBinding::kLocal && !symbol.file.empty()) name = std::string(symbol.file) + "#";
    name += symbol.name;
    names_.try_emplace(std::move(name), symbol.address);
  }
}

TargetAddr Emulator::look_up(std::string_view name) const {
  const auto found = names_.find(std::string(name));
  return found == names_.end() ? TargetAddr() : found->second;
}

void Emulator::run() {
  load_names();
  if (!check_envelope() || !check_header() || !read_sections() || !read_names() || !read_symbols()) return;
  has_sections_ = true;
  if (!move() || !resolve() || !relocate() || !check_mandatory() || !check_patching()) return;
  if (!prepare_functions() || !prepare_hooks()) return;
  if (!prepare_note(kBuildIdSection) || !prepare_note(kDependsSection) || !prepare_note(kXenDependsSection)) return;
  if (!prepare_bug_frames() || !prepare_alternatives() || !prepare_alternative_calls() || !prepare_exceptions() ||
      !prepare_metadata())
    return;
  is_prepared_ = true;
  if (!compare_build_id() || !build_symbols()) return;
  answer_ = {.response = Response::kAccepted, .error = 0, .error_name = {}, .step = {}, .reason = {}, .place = {}};
}

bool Emulator::check_envelope() {
  if (file_.empty()) return refuse(EINVAL, "upload", "the file is empty", {});
  if (file_.size() > kMaxPayloadSize)
    return refuse(EINVAL, "upload",
                  "the file has " + std::to_string(file_.size()) + " bytes, the limit is " + std::to_string(kMaxPayloadSize), {});
  return true;
}

bool Emulator::check_header() {
  constexpr const char* kStep = "header";
  if (file_.size() < kHeaderSize) return refuse(EINVAL, kStep, "the file is smaller than an ELF header", {});
  if (as_text(file_.first(SELFMAG)) != ELFMAG) return refuse(EINVAL, kStep, "this is not an ELF file", {});
  header_ = read_header(file_);
  if (header_.version != EV_CURRENT || header_.ident_version != EV_CURRENT || header_.abi_version != 0)
    return refuse(EOPNOTSUPP, kStep, "the ELF or ABI version is not one that Xen knows",
                  "version " + std::to_string(header_.version) + ", identification " + std::to_string(header_.ident_version) +
                      ", ABI " + std::to_string(header_.abi_version));
  if (header_.os_abi != ELFOSABI_NONE && header_.os_abi != ELFOSABI_FREEBSD)
    return refuse(EOPNOTSUPP, kStep,
                  "the OS ABI is " + std::to_string(header_.os_abi) + ", and only System V and FreeBSD are taken",
                  "an IFUNC, a unique global symbol or a retained section makes assemblers write 3 (GNU)");
  if (header_.type != ET_REL)
    return refuse(EOPNOTSUPP, kStep, "the file type is " + std::to_string(header_.type) + ", not relocatable", {});
  if (header_.program_headers != 0)
    return refuse(EOPNOTSUPP, kStep, "there are program headers", std::to_string(header_.program_headers));
  if (header_.machine != EM_X86_64 || header_.file_class != ELFCLASS64 || header_.data != ELFDATA2LSB)
    return refuse(EOPNOTSUPP, kStep, "the file is not for x86-64", "machine " + std::to_string(header_.machine));
  if (header_.names_index == SHN_UNDEF) return refuse(EINVAL, kStep, "there is no section of section names", {});
  if (header_.sections >= kMaxSections)
    return refuse(
        EOPNOTSUPP, kStep,
        "there are " + std::to_string(header_.sections) + " sections, the limit is below " + std::to_string(kMaxSections), {});
  if (header_.names_index >= header_.sections)
    return refuse(
        EINVAL, kStep,
        "section names are in section " + std::to_string(header_.names_index) + " of " + std::to_string(header_.sections), {});
  if (header_.section_table >= file_.size())
    return refuse(EINVAL, kStep, "the section table is behind the end of the file", hex(header_.section_table));
  if (header_.section_header_size < kSectionHeaderSize)
    return refuse(EINVAL, kStep, "section headers have " + std::to_string(header_.section_header_size) + " bytes", {});
  if ((file_.size() - header_.section_table) / header_.section_header_size < header_.sections)
    return refuse(EINVAL, kStep, "the section table runs out of the file", {});
  return true;
}

bool Emulator::verify_strings(const RawSection& section, const char* what) {
  const ByteView strings = contents(section);
  if (section.type != SHT_STRTAB || strings.empty() || strings.front() != std::byte{0} || strings.back() != std::byte{0})
    return refuse(EINVAL, "sections", std::string(what) + " are not a string table that begins and ends with a zero byte", {});
  return true;
}

bool Emulator::check_section(std::size_t number, const RawSection& section) {
  constexpr const char* kStep = "sections";
  if (section.offset < kHeaderSize) return refuse(EINVAL, kStep, "a section lies in the ELF header", describe(number));
  if (!section.is_nobits()) {
    const bool wraps = section.offset + section.size < section.offset;
    if (section.offset > file_.size() || (!wraps && section.offset + section.size > file_.size()))
      return refuse(EINVAL, kStep, "a section runs out of the file",
                    describe(number) + " at " + hex(section.offset) + "+" + hex(section.size));
    if (wraps && section.size != 0)
      return crash("HP130-size-wrap", kStep, "offset and size of a section wrap around, which Xen does not see",
                   describe(number));
  }
  if ((section.alignment & (section.alignment - 1)) != 0)
    return refuse(EOPNOTSUPP, kStep, "the alignment is not a power of two", describe(number) + ": " + hex(section.alignment));
  if (section.alignment != 0 && section.address % section.alignment != 0)
    return refuse(EINVAL, kStep, "the address is not aligned", describe(number) + ": " + hex(section.address));
  if ((section.is_writable() || section.is_allocated()) && section.is_nobits() && section.size > kMaxPayloadSize)
    return refuse(EINVAL, kStep, "a section of zeros is larger than 2 MiB", describe(number) + ": " + hex(section.size));
  return true;
}

bool Emulator::read_sections() {
  sections_.resize(std::max<std::size_t>(header_.sections, 1));
  for (std::size_t number = 1; number < header_.sections; ++number) {
    RawSection& section = sections_[number];
    section = read_section(file_, header_.section_table + number * header_.section_header_size);
    if (!check_section(number, section)) return false;
    if (section.type != SHT_SYMTAB) continue;
    if (symbol_table_ != 0) return refuse(EOPNOTSUPP, "sections", "there is a second symbol table", describe(number));
    symbol_table_ = number;
    if (section.link >= header_.sections)
      return refuse(EINVAL, "sections", "symbol names are in section " + std::to_string(section.link) + ", which does not exist",
                    describe(number));
  }
  return find_symbol_table();
}

bool Emulator::find_symbol_table() {
  constexpr const char* kStep = "sections";
  if (symbol_table_ == 0) return refuse(EINVAL, kStep, "there is no symbol table", {});
  const RawSection& table = sections_[symbol_table_];
  if (table.size == 0 || table.entry_size < kSymbolSize || table.size % table.entry_size != 0)
    return refuse(EINVAL, kStep, "the symbol table is malformed",
                  hex(table.size) + " bytes in entries of " + hex(table.entry_size));
  if (table.link == 0)
    return crash("HP129-null-section", kStep, "the symbol table names section 0 as its strings, which Xen follows", ".symtab");
  return verify_strings(sections_[table.link], "symbol names");
}

bool Emulator::read_names() {
  const RawSection& names = sections_[header_.names_index];
  if (!verify_strings(names, "section names")) return false;
  for (std::size_t number = 1; number < sections_.size(); ++number) {
    if (sections_[number].name_offset >= names.size)
      return refuse(EINVAL, "sections", "a section's name is outside of the names", describe(number));
    sections_[number].name = text_at(contents(names), sections_[number].name_offset);
  }
  return true;
}

bool Emulator::read_symbols() {
  const RawSection& table = sections_[symbol_table_];
  const ByteView strings = contents(sections_[table.link]);
  const ByteView entries = contents(table);
  symbols_.resize(static_cast<std::size_t>(table.size / table.entry_size));
  for (std::size_t number = 1; number < symbols_.size(); ++number) {
    symbols_[number] = read_symbol(entries, number * table.entry_size);
    if (symbols_[number].name_offset >= strings.size())
      return refuse(EINVAL, "symbols", "a symbol's name is outside of the names", "symbol " + std::to_string(number));
    symbols_[number].name = text_at(strings, symbols_[number].name_offset);
  }
  return true;
}

bool Emulator::move() {
  constexpr const char* kStep = "layout";
  std::vector<std::uint64_t> offsets(sections_.size());
  for (std::size_t number = 1; number < sections_.size(); ++number) {
    const RawSection& section = sections_[number];
    if (!section.is_allocated()) continue;
    if (section.is_executable() && section.is_writable())
      return refuse(EOPNOTSUPP, kStep, "a section is writable and executable", describe(number));
    std::uint64_t& size = section.is_executable() ? text_.size : section.is_writable() ? writable_.size : read_only_.size;
    if (section.alignment == 0 && size != 0)
      return crash("HP121-alignment-zero", kStep,
                   "an alignment of 0 puts a section over those before it and makes its region too small", describe(number));
    offsets[number] = round_up(size, section.alignment);
    size = offsets[number] + section.size;
    if (size > kAbsurd)
      return refuse(ENOMEM, kStep, "the payload would need " + hex(size) + " bytes of memory", describe(number));
  }
  const std::uint64_t total = to_pages(to_pages(text_.size) + to_pages(writable_.size) + read_only_.size);
  if (total > xen_.payload_area().size())
    return refuse(ENOMEM, kStep, "the payload would need " + hex(total) + " bytes of memory", {});
  if (!memory_.allocate(load_address_, total)) return refuse(ENOMEM, kStep, "no memory for " + hex(total) + " bytes", {});
  text_.begin = load_address_;
  writable_.begin = text_.begin + to_pages(text_.size);
  read_only_.begin = writable_.begin + to_pages(writable_.size);
  return copy_sections(offsets);
}

bool Emulator::copy_sections(const std::vector<std::uint64_t>& offsets) {
  std::size_t writable = 0;
  const RawSection* last_writable = nullptr;
  for (std::size_t number = 1; number < sections_.size(); ++number) {
    RawSection& section = sections_[number];
    if (!section.is_allocated()) continue;
    const Region& region = section.is_executable() ? text_ : section.is_writable() ? writable_ : read_only_;
    const TargetAddr place = region.begin + offsets[number];
    section.load = place.value();
    if (section.is_writable() && section.size != 0) {
      ++writable;
      last_writable = &section;
    }
    if (!memory_.in_payload(place, section.size))
      return crash("HP121-alignment-zero", "layout", "a section lies outside of the memory allocated for the payload",
                   describe(number));
    const ByteView bytes = contents(section);
    const std::span<std::byte> target = memory_.payload(place, section.size);
    if (section.is_nobits()) {
      std::fill(target.begin(), target.end(), std::byte{0});
    } else {
      std::copy(bytes.begin(), bytes.end(), target.begin());
    }
  }
  is_reappliable_ = writable == 0 || (writable == 1 && last_writable->name == kFuncsSection);
  return true;
}

bool Emulator::resolve() {
  constexpr const char* kStep = "symbols";
  for (std::size_t number = 1; number < symbols_.size(); ++number) {
    RawSymbol& symbol = symbols_[number];
    const std::string place = "symbol " + std::to_string(number) + " (" + std::string(symbol.name) + ")";
    if (symbol.section == SHN_COMMON) return refuse(EINVAL, kStep, "a common symbol", place);
    if (symbol.section == SHN_ABS) continue;
    if (symbol.section == SHN_UNDEF) {
      // Where the names are not known, any place of the hypervisor stands for this one's.
      const TargetAddr found = xen_.is_seen() ? look_up(symbol.name) : xen_.text().begin;
      if (found == TargetAddr())
        return refuse(ENOENT, kStep, "an undefined symbol that Xen does not have (another loaded payload may)", place);
      symbol.value = found.value();
      undefined_.push_back({.name = std::string(symbol.name), .address = found});
      continue;
    }
    if (symbol.section >= SHN_LORESERVE)
      return refuse(EOPNOTSUPP, kStep, "a symbol in reserved section " + hex(symbol.section), place);
    if (symbol.section >= sections_.size())
      return refuse(EINVAL, kStep, "a symbol in section " + std::to_string(symbol.section) + ", which does not exist", place);
    if (!sections_[symbol.section].is_allocated()) {
      symbol.is_ignored = true;
      continue;
    }
    symbol.value += sections_[symbol.section].load;
  }
  return true;
}

bool Emulator::relocate() {
  constexpr const char* kStep = "relocations";
  for (std::size_t number = 1; number < sections_.size(); ++number) {
    const RawSection& table = sections_[number];
    if (table.type != SHT_RELA && table.type != SHT_REL) continue;
    if (table.info >= sections_.size()) continue;
    if (table.info == 0)
      return crash("HP129-null-section", kStep, "relocations for section 0, which Xen follows", describe(number));
    const RawSection& base = sections_[table.info];
    if (!base.is_allocated()) continue;
    if (table.link != symbol_table_)
      return refuse(EINVAL, kStep, "relocations with another symbol table: section " + std::to_string(table.link),
                    describe(number));
    if (table.size == 0) continue;
    const std::uint64_t unit = table.type == SHT_RELA ? kRelaSize : kRelSize;
    if (table.entry_size < unit || table.size % table.entry_size != 0)
      return refuse(EINVAL, kStep, "a malformed relocation section", describe(number));
    if (table.type == SHT_REL) return refuse(EOPNOTSUPP, kStep, "relocations without addends", describe(number));
    if (!apply_relocations(table, base)) return false;
  }
  return true;
}

bool Emulator::apply_relocations(const RawSection& table, const RawSection& base) {
  const ByteView bytes = contents(table);
  for (std::uint64_t number = 0; number < table.size / table.entry_size; ++number) {
    const std::string place = std::string(table.name) + ", relocation " + std::to_string(number);
    if (!apply_relocation(read_rela(bytes, number * table.entry_size), base, place)) return false;
  }
  return true;
}

bool Emulator::apply_relocation(const RawRela& rela, const RawSection& base, const std::string& place) {
  constexpr const char* kStep = "relocations";
  if (rela.symbol == STN_UNDEF) return refuse(EOPNOTSUPP, kStep, "a relocation without a symbol", place);
  if (rela.symbol >= symbols_.size())
    return refuse(EINVAL, kStep, "a relocation for symbol " + std::to_string(rela.symbol) + ", which does not exist", place);
  const RawSymbol& symbol = symbols_[rela.symbol];
  if (symbol.is_ignored)
    return refuse(EINVAL, kStep, "a relocation for " + std::string(symbol.name) + ", which lies in a section that is not loaded",
                  place);
  const std::uint64_t value = symbol.value + static_cast<std::uint64_t>(rela.addend);
  const auto fits = [&](std::uint64_t size) { return rela.offset < base.size && base.size - rela.offset >= size; };
  const std::string where = "a relocation at " + std::string(base.name) + "+" + hex(rela.offset) + ", behind its end";
  const TargetAddr field = TargetAddr(base.load) + rela.offset;
  switch (rela.type) {
    case R_X86_64_NONE: return true;
    case R_X86_64_64:
      if (!fits(sizeof(std::uint64_t))) return refuse(EINVAL, kStep, where, place);
      store_le<std::uint64_t>(memory_.payload(field, sizeof value), 0, value);
      return true;
    case R_X86_64_PC32:
    case R_X86_64_PLT32: {
      if (!fits(sizeof(std::uint32_t))) return refuse(EINVAL, kStep, where, place);
      const auto distance = static_cast<std::int64_t>(value - field.value());
      store_le<std::int32_t>(memory_.payload(field, sizeof(std::int32_t)), 0, static_cast<std::int32_t>(distance));
      if (!fits_int32(distance)) return refuse(EOVERFLOW, kStep, std::string(symbol.name) + " is more than 2 GiB away", place);
      return true;
    }
    default: break;
  }
  return refuse(EOPNOTSUPP, kStep, "relocation type " + std::to_string(rela.type), place);
}

}  // namespace hotpatch::xen::check

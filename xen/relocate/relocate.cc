// SPDX-License-Identifier: GPL-2.0-or-later
#include "xen/relocate/relocate.h"

#include <elf.h>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <map>
#include <optional>

#include "xen/payload/payload.h"

namespace hotpatch::xen {
namespace {

constexpr std::size_t kRelaSize = sizeof(Elf64_Rela);
constexpr std::size_t kAltSize = 14;  // struct alt_instr, packed (xen/arch/x86/include/asm/alternative.h)

/// One entry of a relocation table, and where it is in the file.
struct Entry {
  std::uint64_t offset = 0;
  std::uint32_t type = 0;
  elf::SymbolIndex symbol;
  std::int64_t addend = 0;
};

class Relocator {
 public:
  Relocator(const elf::Object& payload, const PayloadLayout& layout, TargetAddr base)
      : payload_(payload), layout_(layout), base_(base), file_(payload.bytes().begin(), payload.bytes().end()) {}

  Result<PlacedImage> run() && {
    HP_TRY(write_linked_for());
    keep_names();
    HP_TRY(find_kept());
    for (std::size_t number = 1; number < payload_.sections().size(); ++number)
      if (is_table(payload_.sections()[number])) HP_TRY(relocate(number));
    PlacedImage product;
    product.file = std::move(file_);
    product.load_address = base_;
    product.applied = applied_;
    product.kept = std::move(kept_);
    return product;
  }

 private:
  using Field = std::pair<elf::SectionIndex, std::uint64_t>;

  /// A table whose entries Xen applies: it skips those of sections that it does not load.
  [[nodiscard]] bool is_table(const elf::Section& section) const {
    return section.type == SHT_RELA && section.info < payload_.sections().size() &&
           payload_.sections()[section.info].is_allocated();
  }

  [[nodiscard]] std::string where(elf::SectionIndex section, std::uint64_t offset) const {
    return payload_.name() + ": " + std::string(payload_.section(section).name) + "+" + hex(offset);
  }

  /// The contents of a section in the copy.
  [[nodiscard]] std::span<std::byte> contents(const elf::Section& section) {
    const auto begin = static_cast<std::size_t>(section.contents.data() - payload_.bytes().data());
    return std::span(file_).subspan(begin, section.contents.size());
  }

  Result<> write_linked_for() {
    const auto unsupported = [&](const char* what) { return fail(Errc::kUnsupported, payload_.name() + ": " + what); };
    const auto index = payload_.find_section(kMetadataSection);
    if (!index) return unsupported("has no metadata, so where it lies could not be seen");
    const elf::Section& section = payload_.section(*index);
    const auto word = load_address_offset(section.contents);
    const bool is_relocated = word && std::ranges::any_of(section.relocations, [&](const elf::Relocation& relocation) {
                                return relocation.offset == *word && relocation.type == R_X86_64_64;
                              });
    if (!is_relocated) return unsupported("its metadata has no load-address word, so where it lies could not be seen");
    kept_fields_.emplace(Field{*index, *word}, "says where Xen put the image");
    const auto place = linked_for_offset(section.contents);
    if (!place) return unsupported("its metadata has no room for the address that it is linked for");
    if (linked_for(parse_metadata(section.contents))) return unsupported("is linked for an address already");
    const std::string digits = format_linked_for(base_.value());
    std::ranges::copy(as_byte_view(digits), contents(section).begin() + static_cast<std::ptrdiff_t>(*place));
    return {};
  }

  void keep_names() {
    const auto index = payload_.find_section(kFuncsSection);
    if (!index) return;
    for (std::uint64_t at = kFuncNameOffset; at < payload_.section(*index).contents.size(); at += kFuncSize)
      kept_fields_.emplace(Field{*index, at}, "a name: Xen's debug key 'x' prints it, wherever the payload is");
  }

  /// Alternative calls: RIP-relative indirect calls or jumps that a record names.
  Result<> find_kept() {
    HP_TRY(find_sites(".altinstructions", kAltSize));
    return find_sites(kAltCallsSection, kAltCallSize);
  }

  /// The records of `table` start with a displacement from themselves to the code that they are of.
  Result<> find_sites(std::string_view table, std::size_t record_size) {
    const auto index = payload_.find_section(table);
    if (!index || !payload_.section(*index).is_allocated()) return {};
    const elf::Section& section = payload_.section(*index);
    const std::uint64_t table_at = *layout_.offset_of(*index);
    for (std::uint64_t record = 0; record + record_size <= section.contents.size(); record += record_size) {
      std::uint64_t site =
          table_at + record + static_cast<std::uint64_t>(std::int64_t{load_le<std::int32_t>(section.contents, record)});
      const auto relocation = std::ranges::find(section.relocations, record, &elf::Relocation::offset);
      if (relocation != section.relocations.end()) {
        const elf::Symbol& symbol = payload_.symbol(relocation->symbol);
        const auto start = symbol.place == elf::SymbolPlace::kSection ? layout_.offset_of(symbol.section) : std::nullopt;
        if (!start) return fail(Errc::kUnsupported, where(*index, record) + ": a record of code outside of the payload");
        site = *start + symbol.value + static_cast<std::uint64_t>(relocation->addend);
      }
      keep_site(site);
    }
    return {};
  }

  /// `site`: bytes from the load address.
  void keep_site(std::uint64_t site) {
    for (const SectionLayout& placed : layout_.sections) {
      const elf::Section& section = payload_.section(placed.section);
      if (site < placed.offset || site - placed.offset >= section.contents.size()) continue;
      const std::uint64_t at = site - placed.offset;
      if (section.contents.size() - at < kAltCallLength || section.contents[at] != std::byte{0xff}) return;
      const std::byte modrm = section.contents[at + 1];
      if (modrm == std::byte{0x15} || modrm == std::byte{0x25})
        kept_fields_.emplace(Field{placed.section, at + 2}, "an alternative call: Xen reads through it during the upload");
      return;
    }
  }

  Result<> relocate(std::size_t number) {
    const elf::Section& table = payload_.sections()[number];
    const elf::SectionIndex target(table.info);
    std::span<std::byte> entries = contents(table);
    std::size_t kept = 0;
    for (std::size_t at = 0; at + kRelaSize <= entries.size(); at += kRelaSize) {
      const Entry entry = read_entry(entries, at);
      const auto keep = kept_fields_.find({target, entry.offset});
      if (keep == kept_fields_.end()) {
        HP_TRY_DOING(where(target, entry.offset), apply(entry, target));
        continue;
      }
      kept_.push_back({.section = std::string(payload_.section(target).name), .offset = entry.offset, .why = keep->second});
      std::copy_n(entries.begin() + static_cast<std::ptrdiff_t>(at), kRelaSize,
                  entries.begin() + static_cast<std::ptrdiff_t>(kept * kRelaSize));
      ++kept;
    }
    // What is left of the table is dead: zero, so that equal inputs give equal files.
    std::fill(entries.begin() + static_cast<std::ptrdiff_t>(kept * kRelaSize), entries.end(), std::byte{0});
    const auto headers = load_le<std::uint64_t>(file_, offsetof(Elf64_Ehdr, e_shoff));
    store_le<std::uint64_t>(file_, headers + number * sizeof(Elf64_Shdr) + offsetof(Elf64_Shdr, sh_size), kept * kRelaSize);
    return {};
  }

  static Entry read_entry(ByteView entries, std::size_t at) {
    const auto info = load_le<std::uint64_t>(entries, at + offsetof(Elf64_Rela, r_info));
    return {.offset = load_le<std::uint64_t>(entries, at + offsetof(Elf64_Rela, r_offset)),
            .type = static_cast<std::uint32_t>(ELF64_R_TYPE(info)),
            .symbol = elf::SymbolIndex(ELF64_R_SYM(info)),
            .addend = load_le<std::int64_t>(entries, at + offsetof(Elf64_Rela, r_addend))};
  }

  /// S: psABI x86-64, 4.4.1.
  Result<std::uint64_t> value_of(elf::SymbolIndex index) const {
    const elf::Symbol& symbol = payload_.symbol(index);
    if (symbol.place == elf::SymbolPlace::kAbsolute) return symbol.value;
    if (symbol.place == elf::SymbolPlace::kSection) {
      if (const auto start = layout_.offset_of(symbol.section)) return base_.value() + *start + symbol.value;
      return fail(Errc::kUnsupported,
                  "refers to " + std::string(payload_.section(symbol.section).name) + ", which is not loaded");
    }
    return fail(Errc::kUnsupported, "the symbol " + std::string(symbol.name) + " is left to the hypervisor to look up");
  }

  Result<> apply(const Entry& entry, elf::SectionIndex target) {
    if (entry.type == R_X86_64_NONE) return {};
    const std::size_t size = entry.type == R_X86_64_64 ? sizeof(std::uint64_t) : sizeof(std::uint32_t);
    const std::span<std::byte> field = contents(payload_.section(target));
    if (entry.offset > field.size() || field.size() - entry.offset < size)
      return fail(Errc::kMalformed, "a relocation's field runs out of its section");
    HP_ASSIGN(const std::uint64_t symbol, value_of(entry.symbol));
    const std::uint64_t value = symbol + static_cast<std::uint64_t>(entry.addend);
    switch (entry.type) {
      case R_X86_64_64: store_le<std::uint64_t>(field, entry.offset, value); break;
      case R_X86_64_PC32:
      case R_X86_64_PLT32: {
        const std::uint64_t place = base_.value() + *layout_.offset_of(target) + entry.offset;
        const auto displacement = static_cast<std::int64_t>(value - place);
        if (displacement < std::numeric_limits<std::int32_t>::min() || displacement > std::numeric_limits<std::int32_t>::max())
          return fail(Errc::kMalformed, "a displacement of " + std::to_string(displacement) + " bytes does not fit in 32 bits");
        store_le<std::int32_t>(field, entry.offset, static_cast<std::int32_t>(displacement));
        break;
      }
      default:
        return fail(Errc::kUnsupported, "relocation type " + std::to_string(entry.type) + " is none that Xen's loader has");
    }
    ++applied_;
    return {};
  }

  const elf::Object& payload_;
  const PayloadLayout& layout_;
  TargetAddr base_;
  Bytes file_;
  std::map<Field, std::string> kept_fields_;  // why each stays
  std::vector<KeptRelocation> kept_;
  std::size_t applied_ = 0;
};

}  // namespace

Result<PlacedImage> link_for(const elf::Object& payload, TargetAddr load_address) {
  HP_CHECK(load_address.value() % kPageSize == 0, "Xen puts payloads at page boundaries");
  HP_ASSIGN(const PayloadLayout layout, layout_of(payload));
  return Relocator(payload, layout, load_address).run();
}

ImagePlace placement_of(const Metadata& metadata) noexcept {
  const auto linked = linked_for(metadata);
  if (!linked) return ImagePlace::kRelocatable;
  return metadata.load_address == *linked ? ImagePlace::kRight : ImagePlace::kWrong;
}

}  // namespace hotpatch::xen

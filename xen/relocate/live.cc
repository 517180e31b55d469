// SPDX-License-Identifier: GPL-2.0-or-later
#include "xen/relocate/live.h"

#include <elf.h>

#include <algorithm>
#include <cstddef>

#include "common/elf/object_builder.h"
#include "xen/payload/payload.h"
#include "xen/relocate/relocate.h"

namespace hotpatch::xen {
namespace {

// struct alt_instr, packed (xen/arch/x86/include/asm/alternative.h): the site's displacement, the replacement's, feature, then lengths.
constexpr std::size_t kAltSize = 14;
constexpr std::size_t kAltOriginalLength = 10;
constexpr std::size_t kAltPadding = 12;

class LiveReader {
 public:
  LiveReader(const elf::Object& linked, const PayloadInfo& info, std::uint64_t base)
      : linked_(linked), info_(info), base_(base) {}

  LiveImage run() && {
    image_.load_address = base_;
    image_.pages = info_.layout.pages;
    image_.rw_address = base_ + info_.layout.rw_offset;
    image_.ro_address = base_ + info_.layout.ro_offset;
    for (const SectionLayout& placed : info_.layout.sections) {
      const elf::Section& section = linked_.section(placed.section);
      image_.sections.push_back({.name = std::string(section.name), .address = base_ + placed.offset, .size = section.size});
    }
    for (const PayloadFunction& function : info_.functions) add_function(function);
    add_symbols();
    add_sites(".altinstructions", kAltSize, [](ByteView record) {
      return std::uint64_t{load_le<std::uint8_t>(record, kAltOriginalLength)} + load_le<std::uint8_t>(record, kAltPadding);
    });
    add_sites(kAltCallsSection, kAltCallSize, [](ByteView) { return std::uint64_t{kAltCallLength}; });
    std::ranges::stable_sort(image_.written_by_xen, {}, &LiveRange::address);
    return std::move(image_);
  }

 private:
  [[nodiscard]] std::optional<std::uint64_t> address_of(const PayloadPlace& place) const {
    const auto start = info_.layout.offset_of(place.section);
    return start ? std::optional(base_ + *start + place.offset) : std::nullopt;
  }

  void add_function(const PayloadFunction& function) {
    LiveFunction live;
    live.name = function.name;
    live.old_addr = function.old_addr.value();
    live.old_size = function.old_size;
    live.new_size = function.new_size;
    live.entry_addr = live.old_addr + (function.expect && starts_with_endbr(*function.expect) ? kEndbrSize : 0);
    if (function.new_place) {
      live.new_addr = address_of(*function.new_place);
      const ByteView code = linked_.section(function.new_place->section).contents;
      if (function.new_place->offset <= code.size()) {
        const ByteView rest = code.subspan(static_cast<std::size_t>(function.new_place->offset));
        const ByteView own = rest.first(std::min<std::size_t>(rest.size(), function.new_size));
        live.code.assign(own.begin(), own.end());
      }
      if (live.new_addr) live.entry = jump_to(*live.new_addr, live.entry_addr);
    }
    image_.functions.push_back(std::move(live));
  }

  void add_symbols() {
    for (const elf::Symbol& symbol : linked_.symbols()) {
      if (symbol.place != elf::SymbolPlace::kSection || symbol.name.empty()) continue;
      if (symbol.type == elf::SymbolType::kSection || symbol.type == elf::SymbolType::kFile) continue;
      const auto address = address_of({.section = symbol.section, .offset = symbol.value});
      if (!address) continue;
      image_.symbols.push_back({.name = std::string(symbol.name),
                                .address = *address,
                                .size = symbol.size,
                                .is_function = symbol.type == elf::SymbolType::kFunction});
    }
    for (const LiveFunction& function : image_.functions) {
      const bool known = !function.new_addr || std::ranges::any_of(image_.symbols, [&](const LiveSymbol& symbol) {
        return symbol.address == *function.new_addr && symbol.name == function.name;
      });
      if (!known)
        image_.symbols.push_back(
            {.name = function.name, .address = *function.new_addr, .size = function.new_size, .is_function = true});
    }
    std::ranges::stable_sort(image_.symbols, {}, &LiveSymbol::address);
  }

  /// The records of `table` begin with a displacement from themselves to the code that Xen rewrites: site_size(record) bytes.
  template <typename SiteSize>
  void add_sites(std::string_view table, std::size_t record_size, SiteSize site_size) {
    const auto index = linked_.find_section(table);
    const auto start = index ? info_.layout.offset_of(*index) : std::nullopt;
    if (!start) return;
    const ByteView records = linked_.section(*index).contents;
    for (std::size_t at = 0; at + record_size <= records.size(); at += record_size) {
      const auto displacement = static_cast<std::uint64_t>(std::int64_t{load_le<std::int32_t>(records, at)});
      image_.written_by_xen.push_back(
          {.name = {}, .address = base_ + *start + at + displacement, .size = site_size(records.subspan(at, record_size))});
    }
  }

  const elf::Object& linked_;
  const PayloadInfo& info_;
  std::uint64_t base_;
  LiveImage image_;
};

/// Makes an executable of a relocatable file whose section number i lies at addresses[i], where that is not 0.
void place(Bytes& file, const std::vector<std::uint64_t>& addresses) {
  store_le<std::uint16_t>(file, offsetof(Elf64_Ehdr, e_type), ET_EXEC);
  const auto headers = load_le<std::uint64_t>(file, offsetof(Elf64_Ehdr, e_shoff));
  const auto header = [&](std::size_t number) { return headers + number * sizeof(Elf64_Shdr); };
  const std::size_t count = load_le<std::uint16_t>(file, offsetof(Elf64_Ehdr, e_shnum));
  for (std::size_t number = 0; number < count; ++number) {
    if (number < addresses.size())
      store_le<std::uint64_t>(file, header(number) + offsetof(Elf64_Shdr, sh_addr), addresses[number]);
    if (load_le<std::uint32_t>(file, header(number) + offsetof(Elf64_Shdr, sh_type)) != SHT_SYMTAB) continue;
    const auto begin = load_le<std::uint64_t>(file, header(number) + offsetof(Elf64_Shdr, sh_offset));
    const auto end = begin + load_le<std::uint64_t>(file, header(number) + offsetof(Elf64_Shdr, sh_size));
    for (std::uint64_t at = begin; at + sizeof(Elf64_Sym) <= end; at += sizeof(Elf64_Sym)) {
      const auto section = load_le<std::uint16_t>(file, at + offsetof(Elf64_Sym, st_shndx));
      if (section == 0 || section >= addresses.size()) continue;
      const std::uint64_t value = at + offsetof(Elf64_Sym, st_value);
      store_le<std::uint64_t>(file, value, load_le<std::uint64_t>(file, value) + addresses[section]);
    }
  }
}

}  // namespace

Result<LiveImage> live_image(const elf::Object& payload, TargetAddr load_address) {
  HP_ASSIGN(const PayloadInfo info, read_payload(payload));  // from the relocatable file: an image has no relocations to go by
  HP_ASSIGN(PlacedImage placed, link_for(payload, load_address));
  HP_ASSIGN(const elf::Object linked, elf::parse_object(std::move(placed.file), payload.name()));
  LiveImage image = LiveReader(linked, info, load_address.value()).run();
  image.file.assign(linked.bytes().begin(), linked.bytes().end());
  return image;
}

Result<Bytes> symbol_file(const LiveImage& image) {
  HP_ASSIGN(const elf::Object linked, elf::parse_object(Bytes(image.file), "the linked payload"));
  elf::ObjectBuilder builder;
  std::vector<std::uint64_t> addresses = {0};
  std::vector<elf::SectionIndex> made;
  std::size_t next = 0;
  for (const elf::Section& section : linked.sections()) {
    if (next == image.sections.size() || !section.is_allocated()) continue;
    const LiveRange& live = image.sections[next++];
    made.push_back(builder.add_section({.name = live.name,
                                        .type = section.type,
                                        .flags = section.flags,
                                        .alignment = section.alignment,
                                        .entry_size = section.entry_size,
                                        .contents = Bytes(section.contents.begin(), section.contents.end()),
                                        .nobits_size = section.is_nobits() ? section.size : 0}));
    addresses.push_back(live.address);
  }
  for (const LiveSymbol& symbol : image.symbols) {
    const auto home = std::ranges::find_if(image.sections, [&](const LiveRange& section) {
      return section.address <= symbol.address && symbol.address - section.address < std::max<std::uint64_t>(section.size, 1);
    });
    if (home == image.sections.end()) continue;  // a label behind its section's end
    (void)builder.add_symbol({.name = symbol.name,
                              .binding = elf::SymbolBinding::kGlobal,
                              .type = symbol.is_function ? elf::SymbolType::kFunction : elf::SymbolType::kObject,
                              .place = elf::SymbolPlace::kSection,
                              .section = made[static_cast<std::size_t>(home - image.sections.begin())],
                              .value = symbol.address - home->address,
                              .size = symbol.size});
  }
  HP_ASSIGN(Bytes file, builder.write());
  place(file, addresses);
  return file;
}

}  // namespace hotpatch::xen

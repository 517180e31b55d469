// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/efi_image.h"

#include <elf.h>

#include <algorithm>
#include <map>
#include <unordered_map>
#include <vector>

#include "common/elf/object_builder.h"
#include "common/support/file.h"

namespace hotpatch::buildenv {
namespace {

namespace fs = std::filesystem;

/// What the linker leaves of a file's name of up to 18 bytes (PeSymbol::name).
constexpr std::size_t kCutFileName = 14;

bool is_named(const elf::Symbol& symbol) noexcept { return symbol.type != elf::SymbolType::kSection && !symbol.name.empty(); }
bool is_local(const elf::Symbol& symbol) noexcept { return symbol.binding == elf::SymbolBinding::kLocal; }

/// What each link assembles of its own symbols: since 4.18 under the name of its product.
bool is_symbol_table(std::string_view file, std::string_view product) noexcept {
  if (file.starts_with('.')) file.remove_prefix(1);
  return file.starts_with(product) && file.ends_with(".S");
}

bool is_same(const elf::Symbol& linked, const elf::PeSymbol& efi) noexcept {
  const bool is_file = linked.type == elf::SymbolType::kFile;
  if (is_file != (efi.kind == elf::PeSymbolKind::kFile)) return false;
  if (linked.name == efi.name) return true;
  if (!is_file) return false;
  if (efi.name.size() == kCutFileName && linked.name.starts_with(efi.name)) return true;
  return is_symbol_table(linked.name, "xen-syms") && is_symbol_table(efi.name, "xen.efi");
}

/// Of one symbol: where it is, and what it is. What only the PE linker defines has no counterpart.
struct Pair {
  const elf::PeSymbol* place;
  const elf::Symbol* linked;
};

/// A stretch of a section of xen.efi that comes from one section of xen-syms.
struct Part {
  std::uint64_t begin = 0;  // address
  std::string_view name;
  bool is_executable = false;
  elf::SectionIndex made;
};

class Translation {
 public:
  Translation(const elf::PeImage& efi, const elf::Object& xen_syms) : efi_(efi), xen_syms_(xen_syms) {}

  Result<Bytes> run() {
    if (efi_.build_id().empty())
      return fail(Error(Errc::kUnsupported, efi_.name() + " has no build ID").with_remedy("link it with --build-id"));
    HP_TRY(pair_locals());
    HP_TRY(pair_globals());
    for (std::size_t number = 0; number < efi_.sections().size(); ++number) add_section(number);
    add_note();
    for (const Pair& pair : pairs_) add_symbol(pair);
    return builder_.write(elf::FileType::kExecutable);
  }

 private:
  [[nodiscard]] tl::unexpected<Error> differ(const std::string& what) const {
    return fail(
        Error(Errc::kInvalid, efi_.name() + " and " + xen_syms_.name() + " are not of one build: " + what)
            .with_remedy("give the xen.efi that was installed together with the xen.gz of this xen-syms, with its symbols"));
  }

  Result<> pair_locals() {
    const std::span<const elf::PeSymbol> theirs = efi_.symbols();
    auto at = theirs.begin();
    const auto skip_globals = [&] { at = std::find_if(at, theirs.end(), [](const auto& symbol) { return !is_global(symbol); }); };
    for (const elf::Symbol& linked : xen_syms_.symbols()) {
      if (!is_named(linked) || !is_local(linked)) continue;
      skip_globals();
      if (at == theirs.end())
        return theirs.empty() ? differ("the first has no symbols")
                              : differ("the second has a symbol '" + std::string(linked.name) + "', where the first has no more");
      if (!is_same(linked, *at))
        return differ("the second has a symbol '" + std::string(linked.name) + "', where the first has '" +
                      std::string(at->name) + "'");
      pairs_.push_back({&*at, &linked});
      ++at;
    }
    skip_globals();
    if (at == theirs.end()) return {};
    return differ("the first has a symbol '" + std::string(at->name) + "', where the second has no more");
  }

  Result<> pair_globals() {
    std::unordered_map<std::string_view, const elf::Symbol*> linked;
    for (const elf::Symbol& symbol : xen_syms_.symbols()) {
      if (is_named(symbol) && !is_local(symbol)) linked.emplace(symbol.name, &symbol);
    }
    for (const elf::PeSymbol& symbol : efi_.symbols()) {
      if (!is_global(symbol)) continue;
      const auto known = linked.find(symbol.name);
      pairs_.push_back({&symbol, known == linked.end() ? nullptr : known->second});
      if (known != linked.end()) linked.erase(known);
    }
    // What only the linker script of the other image defines has no type.
    for (const elf::Symbol& symbol : xen_syms_.symbols()) {
      if (is_content(symbol) && !is_local(symbol) && linked.contains(symbol.name))
        return differ("the first lacks '" + std::string(symbol.name) + "'");
    }
    return {};
  }

  static bool is_global(const elf::PeSymbol& symbol) noexcept { return symbol.kind == elf::PeSymbolKind::kGlobal; }
  static bool is_content(const elf::Symbol& symbol) noexcept {
    return symbol.type == elf::SymbolType::kFunction || symbol.type == elf::SymbolType::kObject;
  }

  /// PE's .init holds code and data, which xen-syms has apart. Where a section of xen-syms begins follows from the first of its symbols:
  /// that is as far from the beginning here as there.
  [[nodiscard]] std::vector<Part> parts_of(std::size_t number) const {
    const elf::PeSection& whole = efi_.sections()[number];
    std::map<elf::SectionIndex, const Pair*> firsts;
    for (const Pair& pair : pairs_) {
      if (pair.place->section != number || pair.linked == nullptr || !is_content(*pair.linked)) continue;
      if (pair.linked->place != elf::SymbolPlace::kSection) continue;
      const Pair*& first = firsts[pair.linked->section];
      if (first == nullptr || pair.linked->value < first->linked->value) first = &pair;
    }
    std::vector<Part> parts = {{whole.address, whole.name, whole.is_executable, {}}};
    for (const auto& [index, first] : firsts) {
      const elf::Section& section = xen_syms_.section(index);
      const std::uint64_t begin = first->place->value - (first->linked->value - section.address);
      if (begin == whole.address) parts.front() = {begin, section.name, section.is_executable(), {}};
      if (begin > whole.address && begin - whole.address < whole.size)
        parts.push_back({begin, section.name, section.is_executable(), {}});
    }
    std::ranges::sort(parts, {}, &Part::begin);
    return parts;
  }

  void add_section(std::size_t number) {
    const elf::PeSection& whole = efi_.sections()[number];
    std::vector<Part> parts = parts_of(number);
    for (std::size_t at = 0; at < parts.size(); ++at) {
      Part& part = parts[at];
      const std::uint64_t offset = part.begin - whole.address;
      const std::uint64_t end = at + 1 < parts.size() ? parts[at + 1].begin - whole.address : whole.size;
      elf::NewSection made;
      made.name = std::string(part.name);
      made.address = part.begin;
      made.flags = (whole.is_discardable ? 0U : SHF_ALLOC) | (part.is_executable ? SHF_EXECINSTR : 0U) |
                   (whole.is_writable ? SHF_WRITE : 0U);
      if (offset >= whole.contents.size()) {
        made.type = SHT_NOBITS;
        made.nobits_size = end - offset;
      } else {
        const ByteView rest = whole.contents.subspan(static_cast<std::size_t>(offset));
        const ByteView contents = rest.first(static_cast<std::size_t>(std::min<std::uint64_t>(rest.size(), end - offset)));
        made.contents.assign(contents.begin(), contents.end());
        made.contents.resize(static_cast<std::size_t>(end - offset));
      }
      part.made = builder_.add_section(std::move(made));
    }
    parts_.push_back(std::move(parts));
  }

  void add_note() {
    const ByteView id = efi_.build_id().bytes();
    ByteWriter note;
    note.write<std::uint32_t>(4);
    note.write<std::uint32_t>(static_cast<std::uint32_t>(id.size()));
    note.write<std::uint32_t>(NT_GNU_BUILD_ID);
    note.write_bytes(as_byte_view(std::string_view("GNU\0", 4)));
    note.write_bytes(id);
    // Not of the image, which has the same bytes in its CodeView record.
    builder_.add_section(
        {.name = ".note.gnu.build-id", .type = SHT_NOTE, .flags = 0, .alignment = 4, .contents = std::move(note).take()});
  }

  void add_symbol(const Pair& pair) {
    const elf::PeSymbol& place = *pair.place;
    elf::NewSymbol symbol;
    symbol.name = std::string(place.name);
    symbol.binding = is_global(place) ? elf::SymbolBinding::kGlobal : elf::SymbolBinding::kLocal;
    if (pair.linked != nullptr) {
      symbol.name = std::string(pair.linked->name);
      symbol.binding = pair.linked->binding;
      symbol.type = pair.linked->type;
      symbol.size = pair.linked->size;
    }
    symbol.place = elf::SymbolPlace::kAbsolute;
    if (place.section) {
      symbol.place = elf::SymbolPlace::kSection;
      const std::vector<Part>& parts = parts_.at(*place.section);
      const auto above = std::ranges::upper_bound(parts, place.value, {}, &Part::begin);
      symbol.section = (above == parts.begin() ? above : std::prev(above))->made;
    }
    symbol.value = place.value;
    builder_.add_symbol(std::move(symbol));
  }

  const elf::PeImage& efi_;
  const elf::Object& xen_syms_;
  elf::ObjectBuilder builder_;
  std::vector<Pair> pairs_;
  std::vector<std::vector<Part>> parts_;  // by the number of the section in efi_
};

}  // namespace

Result<Bytes> efi_symbols(const elf::PeImage& efi, const elf::Object& xen_syms) { return Translation(efi, xen_syms).run(); }

Result<Bytes> read_efi_symbols(const fs::path& efi, const fs::path& xen_syms) {
  HP_ASSIGN(Bytes file, read_file(efi));
  HP_ASSIGN(const elf::PeImage image, elf::PeImage::parse(std::move(file), efi.string()));
  HP_ASSIGN(const elf::Object linked, elf::read_object(xen_syms));
  return efi_symbols(image, linked);
}

}  // namespace hotpatch::buildenv

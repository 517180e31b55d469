// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/elf/image.h"

#include <algorithm>
#include <tuple>

namespace hotpatch::elf {

Result<Image> Image::make(Object object) {
  if (object.type() == FileType::kRelocatable)
    return fail(Errc::kInvalid, object.name() + ": a relocatable object, where a linked image is wanted");
  Image image(std::move(object));
  const Object& file = image.object_;
  HP_ASSIGN(image.build_id_, build_id_of(file));

  std::string_view source;
  for (const Symbol& symbol : file.symbols()) {
    if (symbol.type == SymbolType::kFile) source = symbol.name;
    if (symbol.place == SymbolPlace::kAbsolute && symbol.type != SymbolType::kFile)
      image.absolute_.emplace(symbol.name, symbol.value);
    if (symbol.place != SymbolPlace::kSection || symbol.type == SymbolType::kSection || symbol.type == SymbolType::kFile ||
        symbol.name.empty())
      continue;
    image.symbols_.push_back({.name = symbol.name,
                              .file = symbol.binding == SymbolBinding::kLocal ? source : std::string_view(),
                              .binding = symbol.binding,
                              .type = symbol.type,
                              .address = TargetAddr(symbol.value),
                              .size = symbol.size,
                              .section = symbol.section});
  }
  if (image.symbols_.empty())
    return fail(Error(Errc::kInvalid, file.name() + ": has no symbol table")
                    .with_remedy("use the linked image that still has its symbols, not the one that boots"));
  std::ranges::sort(image.symbols_, {},
                    [](const ImageSymbol& symbol) { return std::tuple(symbol.address, symbol.name, symbol.file); });
  for (std::size_t i = 0; i < image.symbols_.size(); ++i) image.by_name_.emplace(image.symbols_[i].name, i);

  for (std::size_t i = 1; i < file.sections().size(); ++i)
    if (file.sections()[i].is_allocated() && file.sections()[i].size != 0) image.allocated_.emplace_back(i);
  std::ranges::stable_sort(image.allocated_, {}, [&](SectionIndex index) { return file.section(index).address; });
  return image;
}

std::optional<SectionIndex> Image::section_at(TargetAddr address) const noexcept {
  const auto above = std::ranges::upper_bound(allocated_, address.value(), {},
                                              [&](SectionIndex index) { return object_.section(index).address; });
  if (above == allocated_.begin()) return std::nullopt;
  const SectionIndex index = *std::prev(above);
  const Section& section = object_.section(index);
  if (address.value() - section.address >= section.size) return std::nullopt;
  return index;
}

std::optional<ByteView> Image::bytes_at(TargetAddr address, std::uint64_t size) const noexcept {
  const auto index = section_at(address);
  if (!index) return std::nullopt;
  const Section& section = object_.section(*index);
  const std::uint64_t offset = address.value() - section.address;
  if (section.contents.size() < offset || section.contents.size() - offset < size) return std::nullopt;
  return section.contents.subspan(offset, size);
}

std::vector<const ImageSymbol*> Image::find(std::string_view name) const {
  std::vector<const ImageSymbol*> found;
  const auto range = by_name_.equal_range(name);
  for (auto entry = range.first; entry != range.second; ++entry) found.push_back(&symbols_[entry->second]);
  std::ranges::sort(found);  // pointers into one vector: by rising address, as symbols() is
  return found;
}

const ImageSymbol* Image::find_global(std::string_view name) const {
  for (const ImageSymbol* symbol : find(name))
    if (symbol->binding != SymbolBinding::kLocal) return symbol;
  return nullptr;
}

std::vector<const ImageSymbol*> Image::find_local(std::string_view file, std::string_view name) const {
  std::vector<const ImageSymbol*> found = find(name);
  std::erase_if(found,
                [&](const ImageSymbol* symbol) { return symbol->binding != SymbolBinding::kLocal || symbol->file != file; });
  return found;
}

const ImageSymbol* Image::symbol_at(TargetAddr address) const noexcept {
  const auto index = section_at(address);
  if (!index) return nullptr;
  const auto above = std::ranges::upper_bound(symbols_, address, {}, &ImageSymbol::address);
  const ImageSymbol* best = nullptr;
  for (auto candidate = above; candidate != symbols_.begin();) {
    --candidate;
    if (candidate->section != *index) continue;  // a symbol of the linker script at a section's edge
    const bool holds = address - candidate->address < candidate->size;
    if (holds && candidate->type == SymbolType::kFunction) return &*candidate;
    if (holds && (best == nullptr || address - best->address >= best->size)) best = &*candidate;
    if (best == nullptr) best = &*candidate;
    // All names of one address are looked at, and nothing below the nearest sized symbol.
    if (candidate != symbols_.begin() && std::prev(candidate)->address != candidate->address && candidate->size != 0) break;
  }
  return best;
}

std::optional<TargetAddr> Image::address_of(std::string_view name) const {
  if (const ImageSymbol* symbol = find_global(name)) return symbol->address;
  if (const auto found = absolute_.find(name); found != absolute_.end()) return found->second;
  return std::nullopt;
}

}  // namespace hotpatch::elf

// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/prove/names.h"

#include <algorithm>

namespace hotpatch::prove {
namespace {

using elf::SymbolBinding;
using elf::SymbolPlace;
using elf::SymbolType;

/// "common/domain" of "common/domain.c", "common/domain.o" and "common/domain.init.o".
std::string_view stem(std::string_view path) noexcept {
  path = path.substr(0, path.rfind('.'));
  if (path.ends_with(".init")) path.remove_suffix(5);  // Xen renames the data sections of units that only serve at boot
  return path;
}

bool ends_with_component(std::string_view path, std::string_view tail) noexcept {
  if (!path.ends_with(tail)) return false;
  return path.size() == tail.size() || path[path.size() - tail.size() - 1] == '/';
}

}  // namespace

bool is_compiler_label(std::string_view name) noexcept { return name.starts_with(".L"); }

Names::Names(const elf::Object& object, const elf::Image& image, std::string_view unit) : object_(object), image_(image) {
  for (const elf::Symbol& symbol : image.object().symbols())
    if (symbol.type == SymbolType::kFile && !symbol.name.empty()) image_files_.push_back(symbol.name);
  std::ranges::sort(image_files_);

  // GNU ld makes up a FILE symbol from the object's own name where there is none.
  const std::string_view base_name = unit.substr(unit.rfind('/') + 1);
  std::optional<std::string_view> file = file_in_image(base_name, {});
  bool has_file = false;
  symbol_files_.reserve(object.symbols().size());
  for (const elf::Symbol& symbol : object.symbols()) {
    if (symbol.type == SymbolType::kFile) {
      file = file_in_image(symbol.name, unit);
      has_file = true;
      linked_ |= file.has_value();
    }
    symbol_files_.push_back(file);
  }
  if (has_file) return;
  linked_ = std::ranges::all_of(object.symbols(), [&](const elf::Symbol& symbol) {
    return symbol.place != SymbolPlace::kSection || symbol.binding == SymbolBinding::kLocal ||
           image.address_of(symbol.name).has_value();
  });
}

std::optional<std::string_view> Names::file_in_image(std::string_view file, std::string_view unit) const {
  // The build may have given the FILE symbol the unit's folder after compilation, or the rebuilt object may come from before that.
  for (const std::string_view candidate : image_files_)
    if (stem(candidate) == stem(unit) && ends_with_component(candidate, file)) return candidate;
  if (std::ranges::binary_search(image_files_, file)) return file;
  // Compiled through a link from another folder: the unit whose local functions these are.
  std::optional<std::string_view> best;
  std::size_t most = 0;
  for (const std::string_view candidate : image_files_) {
    if (!ends_with_component(candidate, file)) continue;
    const auto known = static_cast<std::size_t>(std::ranges::count_if(object_.symbols(), [&](const elf::Symbol& symbol) {
      return symbol.type == SymbolType::kFunction && symbol.binding == SymbolBinding::kLocal &&
             !image_.find_local(candidate, symbol.name).empty();
    }));
    if (known == most) best.reset();
    if (known <= most) continue;
    best = candidate;
    most = known;
  }
  return best;
}

std::vector<const elf::ImageSymbol*> Names::candidates(elf::SymbolIndex index) const {
  const elf::Symbol& symbol = object_.symbol(index);
  const bool nameable = symbol.place == SymbolPlace::kSection || symbol.place == SymbolPlace::kCommon;
  if (!nameable || symbol.type == SymbolType::kSection || symbol.name.empty() || is_compiler_label(symbol.name)) return {};
  if (symbol.binding != SymbolBinding::kLocal) {
    const elf::ImageSymbol* global = image_.find_global(symbol.name);
    if (global != nullptr) return {global};
    return {};
  }
  const auto& file = symbol_files_[index.value()];
  if (!file) return {};
  return image_.find_local(*file, symbol.name);
}

std::optional<TargetAddr> Names::address_of_undefined(std::string_view name) const { return image_.address_of(name); }

std::vector<const elf::ImageSymbol*> Names::missing_functions() const {
  std::vector<std::string_view> files;
  for (const auto& file : symbol_files_)
    if (file && (files.empty() || files.back() != *file)) files.push_back(*file);
  std::ranges::sort(files);
  files.erase(std::unique(files.begin(), files.end()), files.end());
  std::erase_if(files, [&](std::string_view file) { return std::ranges::equal_range(image_files_, file).size() != 1; });
  if (files.empty()) return {};

  std::vector<std::string_view> defined;
  for (const elf::Symbol& symbol : object_.symbols())
    if (symbol.place == SymbolPlace::kSection && symbol.binding == SymbolBinding::kLocal) defined.push_back(symbol.name);
  std::ranges::sort(defined);
  std::vector<const elf::ImageSymbol*> missing;
  for (const elf::ImageSymbol& symbol : image_.symbols()) {
    if (symbol.type != SymbolType::kFunction || symbol.binding != SymbolBinding::kLocal) continue;
    if (!std::ranges::binary_search(files, symbol.file) || std::ranges::binary_search(defined, symbol.name)) continue;
    missing.push_back(&symbol);
  }
  return missing;
}

}  // namespace hotpatch::prove

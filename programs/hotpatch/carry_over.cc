// SPDX-License-Identifier: GPL-2.0-or-later
#include "programs/hotpatch/carry_over.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string_view>

#include "common/diff/correlate.h"
#include "common/diff/correlate_builds.h"
#include "common/diff/model.h"
#include "common/elf/object.h"
#include "common/target/decode.h"

namespace hotpatch::cli {
namespace {

using diff::Entity;
using diff::EntityKind;
using elf::SectionIndex;
using elf::SymbolPlace;

class CarryOver {
 public:
  CarryOver(const diff::ObjectModel& proven, const prove::Located& located, const diff::ObjectModel& other,
            const diff::Correlation& correlation)
      : proven_(proven), located_(located), other_(other), correlation_(correlation) {
    product_.located.unit = located.unit;
    product_.located.proven_functions = located.proven_functions;
    product_.located.proven_bytes = located.proven_bytes;
    product_.located.absent = located.absent;
    product_.located.section_address.resize(other.object().sections().size());
    product_.located.symbol_address.resize(other.object().symbols().size());
    product_.running_size.resize(other.object().symbols().size());
  }

  CarriedOver run() && {
    for (std::size_t i = 0; i < other_.entities().size(); ++i) carry(diff::EntityIndex(i));
    carry_equal_sections();
    carry_symbols();
    return std::move(product_);
  }

 private:
  [[nodiscard]] std::optional<TargetAddr> address_of(const Entity& entity) const {
    if (entity.symbol && located_.symbol_address.at(entity.symbol->value()))
      return located_.symbol_address.at(entity.symbol->value());
    const auto& base = located_.section_address.at(entity.section.value());
    return base ? std::optional(*base + entity.offset) : std::nullopt;
  }

  void carry(diff::EntityIndex index) {
    const Entity& entity = other_.entity(index);
    const auto counterpart = correlation_.to_original(index);
    if (!counterpart || entity.kind == EntityKind::kExternal) return;
    const Entity& original = proven_.entity(*counterpart);
    // Of one source, an object is as large as itself.
    if (entity.kind != original.kind || (entity.kind == EntityKind::kData && entity.size != original.size)) return;
    const auto address = address_of(original);
    if (!address) return;
    places_.emplace(std::pair(entity.section, entity.offset), std::pair(*address, original.size));
    const TargetAddr base(address->value() - entity.offset);
    const auto [found, is_first] = bases_.emplace(entity.section, base);
    if (!is_first && found->second != base) found->second.reset();
  }

  /// What has no name has no counterpart either; it is where its section is, and that is the same if all of it is.
  void carry_equal_sections() {
    const auto sections = other_.object().sections();
    for (std::size_t i = 1; i < sections.size(); ++i) {
      const elf::Section& section = sections[i];
      auto& address = product_.located.section_address[i];
      // Of code only the entry means the same; what lies behind it may not.
      if (const auto known = bases_.find(SectionIndex(i)); known != bases_.end()) {
        address = known->second;
        continue;
      }
      const auto like = proven_.object().find_section(section.name);
      if (!like || !section.is_allocated() || section.is_executable() || !is_only(section.name)) continue;
      const elf::Section& original = proven_.object().section(*like);
      if (original.size != section.size || !std::ranges::equal(original.contents, section.contents) ||
          original.relocations.size() != section.relocations.size())
        continue;
      address = located_.section_address.at(like->value());
    }
  }

  [[nodiscard]] bool is_only(std::string_view name) const {
    return std::ranges::count(other_.object().sections(), name, &elf::Section::name) == 1 &&
           std::ranges::count(proven_.object().sections(), name, &elf::Section::name) == 1;
  }

  void carry_symbols() {
    std::map<std::string_view, std::size_t> undefined;  // of the proven object
    const auto proven = proven_.object().symbols();
    for (std::size_t i = 1; i < proven.size(); ++i)
      if (proven[i].place == SymbolPlace::kUndefined) undefined.emplace(proven[i].name, i);
    const auto symbols = other_.object().symbols();
    for (std::size_t i = 1; i < symbols.size(); ++i) {
      const elf::Symbol& symbol = symbols[i];
      auto& address = product_.located.symbol_address[i];
      if (symbol.place == SymbolPlace::kUndefined) {
        if (const auto known = undefined.find(symbol.name); known != undefined.end())
          address = located_.symbol_address[known->second];
      } else if (symbol.place == SymbolPlace::kAbsolute) {
        address = TargetAddr(symbol.value);
      } else if (symbol.type == elf::SymbolType::kSection) {
        address = product_.located.section_address[symbol.section.value()];
      } else if (symbol.place == SymbolPlace::kSection) {
        const auto place = places_.find({symbol.section, symbol.value});
        if (place == places_.end()) continue;
        address = place->second.first;
        product_.running_size[i] = place->second.second;
      }
    }
  }

  const diff::ObjectModel& proven_;
  const prove::Located& located_;
  const diff::ObjectModel& other_;
  const diff::Correlation& correlation_;
  CarriedOver product_;
  std::map<std::pair<SectionIndex, std::uint64_t>, std::pair<TargetAddr, std::uint64_t>> places_;  // where, and how large there
  std::map<SectionIndex, std::optional<TargetAddr>> bases_;  // nothing: what is in it lies otherwise in the image
};

}  // namespace

Result<CarriedOver> carry_over(const std::filesystem::path& proven_path, const prove::Located& located,
                               const std::filesystem::path& other_path, const target::Profile& profile) {
  HP_ASSIGN(const elf::Object proven_object, elf::read_object(proven_path));
  HP_ASSIGN(const elf::Object other_object, elf::read_object(other_path));
  HP_ASSIGN(target::Decoder decoder, target::Decoder::make());
  HP_ASSIGN(const diff::ObjectModel proven, diff::ObjectModel::make(proven_object, profile, decoder));
  HP_ASSIGN(const diff::ObjectModel other, diff::ObjectModel::make(other_object, profile, decoder, &proven));
  HP_ASSIGN(const diff::Correlation correlation, diff::correlate_builds(proven, other));
  return CarryOver(proven, located, other, correlation).run();
}

}  // namespace hotpatch::cli

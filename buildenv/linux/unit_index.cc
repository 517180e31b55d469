// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/linux/unit_index.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <sstream>
#include <tuple>

#include "buildenv/pairs/view.h"
#include "common/support/file.h"

namespace hotpatch::buildenv {
namespace {

namespace fs = std::filesystem;

constexpr const char* kOwners = "owners";
constexpr const char* kProducers = "producers";
constexpr const char* kUnits = "units";

std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> fields(1);
  for (const char byte : line) {
    if (byte == '\t')
      fields.emplace_back();
    else
      fields.back() += byte;
  }
  return fields;
}

Result<std::vector<std::vector<std::string>>> read_table(const fs::path& path, std::size_t columns) {
  HP_ASSIGN(const std::string text, read_text_file(path));
  std::vector<std::vector<std::string>> rows;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    rows.push_back(split(line));
    if (rows.back().size() != columns)
      return fail(Errc::kMalformed,
                  path.string() + ":" + std::to_string(rows.size()) + ": not " + std::to_string(columns) + " columns");
  }
  return rows;
}

bool parse_number(const std::string& text, std::uint64_t& value) {
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  return parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
}

/// What the build adds to each module: what modpost writes, and since 6.12 what all modules say of themselves alike.
bool is_of_every_module(std::string_view source) {
  return source.ends_with(".mod.c") || source.ends_with("scripts/module-common.c");
}

/// The part of an absolute name that is a file of the tree. Assembler sources keep the build machine's path.
std::string inside_tree(std::string_view name, const fs::path& tree) {
  if (!name.starts_with('/')) return std::string(name);
  for (std::size_t slash = 0; slash != std::string_view::npos; slash = name.find('/', slash + 1)) {
    std::error_code ignored;
    if (slash + 1 < name.size() && fs::is_regular_file(tree / name.substr(slash + 1), ignored))
      return std::string(name.substr(slash + 1));
  }
  return std::string(name);
}

}  // namespace

std::string UnitOwner::module_name() const {
  std::string stem = fs::path(name).stem().string();
  if (!is_image()) std::ranges::replace(stem, '-', '_');
  return stem;
}

std::string IndexedUnit::object() const { return source.substr(0, source.rfind('.')) + ".o"; }

std::vector<const IndexedUnit*> UnitIndex::of_source(std::string_view path) const {
  const std::string wanted = normal_path(path);
  std::vector<const IndexedUnit*> found;
  for (const IndexedUnit& unit : units) {
    const bool same = unit.source.find("..") == std::string::npos ? unit.source == wanted : normal_path(unit.source) == wanted;
    if (same) found.push_back(&unit);
  }
  return found;
}

void UnitIndexBuilder::add(UnitOwner owner, const elf::UnitNames& names) {
  owner.build_id = names.build_id.text();
  for (const elf::UnitName& unit : names.units)
    if (!unit.name.empty() && !is_of_every_module(unit.name))
      entries_.push_back({std::string(unit.name), owner.name, std::string(unit.producer)});
  owners_.push_back(std::move(owner));
}

UnitIndex UnitIndexBuilder::finish(const fs::path& tree) && {
  UnitIndex index;
  index.owners = std::move(owners_);
  std::ranges::sort(index.owners, {}, [](const UnitOwner& owner) { return std::tuple(!owner.is_image(), owner.name); });
  std::map<std::string, std::size_t> owner_numbers;
  for (std::size_t i = 0; i < index.owners.size(); ++i) owner_numbers.emplace(index.owners[i].name, i);
  std::map<std::string, std::size_t> producer_numbers;
  for (const Entry& entry : entries_) producer_numbers.emplace(entry.producer, 0);
  for (auto& [producer, number] : producer_numbers) {
    number = index.producers.size();
    index.producers.push_back(producer);
  }
  for (const Entry& entry : entries_)
    index.units.push_back({inside_tree(entry.source, tree), owner_numbers[entry.owner], producer_numbers[entry.producer]});
  const auto key = [](const IndexedUnit& unit) { return std::tie(unit.source, unit.owner, unit.producer); };
  std::ranges::sort(index.units, {}, key);
  // One source, linked twice into one file (common code of two parts of a module): one unit.
  const auto same = [](const IndexedUnit& left, const IndexedUnit& right) {
    return left.source == right.source && left.owner == right.owner;
  };
  index.units.erase(std::unique(index.units.begin(), index.units.end(), same), index.units.end());
  return index;
}

Result<> write_unit_index(const UnitIndex& index, const fs::path& directory) {
  std::string owners;
  for (const UnitOwner& owner : index.owners)
    owners += owner.name + "\t" + std::to_string(owner.offset) + "\t" + std::to_string(owner.size) + "\t" + owner.build_id + "\n";
  std::string producers;
  for (const std::string& producer : index.producers) producers += producer + "\n";
  std::string units;
  for (const IndexedUnit& unit : index.units)
    units += unit.source + "\t" + std::to_string(unit.owner) + "\t" + std::to_string(unit.producer) + "\n";
  HP_TRY(write_file(directory / kOwners, owners));
  HP_TRY(write_file(directory / kProducers, producers));
  return write_file(directory / kUnits, units);
}

Result<UnitIndex> read_unit_index(const fs::path& directory) {
  UnitIndex index;
  HP_ASSIGN(auto owners, read_table(directory / kOwners, 4));
  for (std::vector<std::string>& row : owners) {
    UnitOwner owner{std::move(row[0]), 0, 0, std::move(row[3])};
    if (!parse_number(row[1], owner.offset) || !parse_number(row[2], owner.size))
      return fail(Errc::kMalformed, (directory / kOwners).string() + ": " + owner.name + ": not a number");
    index.owners.push_back(std::move(owner));
  }
  HP_ASSIGN(auto producers, read_table(directory / kProducers, 1));
  for (std::vector<std::string>& row : producers) index.producers.push_back(std::move(row[0]));
  HP_ASSIGN(auto units, read_table(directory / kUnits, 3));
  for (std::vector<std::string>& row : units) {
    std::uint64_t owner = 0;
    std::uint64_t producer = 0;
    if (!parse_number(row[1], owner) || !parse_number(row[2], producer) || owner >= index.owners.size() ||
        producer >= index.producers.size())
      return fail(Errc::kMalformed, (directory / kUnits).string() + ": " + row[0] + ": no such owner or producer");
    index.units.push_back({std::move(row[0]), owner, producer});
  }
  return index;
}

}  // namespace hotpatch::buildenv

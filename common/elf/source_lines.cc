// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/elf/source_lines.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_map>

#include "common/elf/dwarf.h"

namespace hotpatch::elf {

std::optional<SourceLine> LineTable::find(SectionIndex section, std::uint64_t offset) const {
  const auto above =
      std::upper_bound(rows_.begin(), rows_.end(), std::tuple(section, offset),
                       [](const auto& wanted, const Row& row) { return wanted < std::tuple(row.section, row.offset); });
  if (above == rows_.begin()) return std::nullopt;
  const Row& row = *std::prev(above);
  if (row.section != section || row.line == 0) return std::nullopt;
  return SourceLine{files_[row.file], row.line};
}

Result<LineTable> read_lines(const Object& object) {
  HP_ASSIGN(const std::unique_ptr<Dwarf> dwarf, Dwarf::open(object));
  LineTable table;
  std::map<std::string, std::uint32_t> known_files;
  using Specifier = llvm::DILineInfoSpecifier::FileLineInfoKind;
  for (const auto& unit : dwarf->context().compile_units()) {
    if (!dwarf->can_read_lines(*unit))
      return fail(Errc::kMalformed, object.name() + ": the header of a line table cannot be read");
    const llvm::DWARFDebugLine::LineTable* lines = dwarf->context().getLineTableForUnit(unit.get());
    HP_TRY(dwarf->check());
    if (lines == nullptr) continue;
    // A name is put together of its parts: once for each file of the unit, not for each row.
    std::unordered_map<std::uint64_t, std::optional<std::uint32_t>> files_of_unit;
    const auto file_of = [&](std::uint64_t index) {
      const auto [entry, is_new] = files_of_unit.try_emplace(index);
      std::string file;
      if (!is_new || !lines->getFileNameByIndex(index, "", Specifier::RelativeFilePath, file)) return entry->second;
      if (file.starts_with("./")) file.erase(0, 2);
      const auto [known, added] = known_files.try_emplace(file, static_cast<std::uint32_t>(table.files_.size()));
      if (added) table.files_.push_back(file);
      entry->second = known->second;
      return entry->second;
    };
    table.rows_.reserve(table.rows_.size() + lines->Rows.size());
    for (const auto& row : lines->Rows) {
      if (row.Address.SectionIndex >= object.sections().size()) continue;  // absolute: of no section
      const auto file = row.EndSequence != 0 ? std::nullopt : file_of(row.File);
      table.rows_.push_back(
          {SectionIndex(row.Address.SectionIndex), row.Address.Address, file.value_or(0), file ? row.Line : std::uint32_t{0}});
    }
  }
  // Of several rows at one place the last one counts, except that an end of another sequence there does not hide a beginning.
  std::ranges::stable_sort(table.rows_, {}, [](const auto& row) { return std::tuple(row.section, row.offset, row.line != 0); });
  return table;
}

}  // namespace hotpatch::elf

// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/elf/source_lines.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "common/elf/dwarf.h"

namespace hotpatch::elf {
namespace {

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
  const llvm::DWARFObject& sections = dwarf->context().getDWARFObj();
  const llvm::DWARFDataExtractor data(sections, sections.getLineSection(), true, 8);
  for (const auto& unit : dwarf->context().compile_units()) {
    const auto offset = llvm::dwarf::toSectionOffset(unit->getUnitDIE().find(llvm::dwarf::DW_AT_stmt_list));
    if (offset && !has_known_forms(data, *offset))
      return fail(Errc::kMalformed, object.name() + ": line table at " + hex(*offset) + ": its header cannot be read");
    const llvm::DWARFDebugLine::LineTable* lines = dwarf->context().getLineTableForUnit(unit.get());
    HP_TRY(dwarf->check());
    if (lines == nullptr) continue;
    for (const auto& row : lines->Rows) {
      if (row.Address.SectionIndex >= object.sections().size()) continue;  // absolute: of no section
      std::string file;
      std::uint32_t line = row.Line;
      if (row.EndSequence != 0 || !lines->getFileNameByIndex(row.File, "", Specifier::RelativeFilePath, file)) line = 0;
      if (file.starts_with("./")) file.erase(0, 2);
      const auto [entry, added] = known_files.try_emplace(file, static_cast<std::uint32_t>(table.files_.size()));
      if (added) table.files_.push_back(file);
      table.rows_.push_back({SectionIndex(row.Address.SectionIndex), row.Address.Address, entry->second, line});
    }
  }
  // Of several rows at one place the last one counts, except that an end of another sequence there does not hide a beginning.
  std::ranges::stable_sort(table.rows_, {}, [](const auto& row) { return std::tuple(row.section, row.offset, row.line != 0); });
  return table;
}

}  // namespace hotpatch::elf

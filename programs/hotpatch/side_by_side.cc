// SPDX-License-Identifier: GPL-2.0-or-later
#include "programs/hotpatch/side_by_side.h"

#include <algorithm>

namespace hotpatch::cli {

using diff::Entity;
using diff::EntityIndex;
using diff::EntityKind;
using diff::Verdict;

Result<std::vector<SideBySide>> list_changes(const UnitView& view, const std::string& unit, target::Decoder& decoder) {
  const auto title = [](const Entity& entity) {
    return std::string(entity.name) + ", " + std::to_string(entity.size) + " bytes";
  };
  HP_ASSIGN(const BothLines* lines, view.lines.read());
  std::vector<SideBySide> product;
  for (std::size_t i = 0; i < view.patched.entities().size(); ++i) {
    const Entity& entity = view.patched.entities()[i];
    const diff::Change& change = view.changes.changes[i];
    const bool is_new = change.verdict == Verdict::kNew && view.closure.contains[i];
    if (entity.kind != EntityKind::kFunction || (change.verdict != Verdict::kChanged && !is_new)) continue;
    SideBySide added;
    added.name = std::string(entity.name);
    added.unit = unit;
    added.verdict = is_new ? "new" : "changed";
    added.reason = change.reason;
    added.patched_title = title(entity);
    added.patched = list_function(view.patched, entity, &view.correlation, lines->patched, decoder);
    if (const auto twin = view.correlation.to_original(EntityIndex(i))) {
      const Entity& before = view.original.entity(*twin);
      added.original_title = title(before);
      added.original = list_function(view.original, before, nullptr, lines->original, decoder);
    }
    added.rows = align(added.original, added.patched);
    // The comparison has the last word: a record of a special section, too, makes an instruction another one.
    for (ListingRow& row : added.rows)
      if (change.difference && row.patched && added.patched[*row.patched].offset == change.difference->patched_offset)
        row.differs = true;
    product.push_back(std::move(added));
  }
  return product;
}

}  // namespace hotpatch::cli

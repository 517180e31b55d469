// SPDX-License-Identifier: GPL-2.0-or-later
#include "programs/hotpatch/listing.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "common/support/parallel.h"

namespace hotpatch::cli {
namespace {

using diff::Entity;
using diff::EntityIndex;
using diff::EntityKind;

/// What a reference leads to, called the same on both sides if it is the same.
std::string identity_of(const diff::ObjectModel& model, EntityIndex index, const diff::Correlation* correlation) {
  const Entity& entity = model.entity(index);
  switch (entity.kind) {
    case EntityKind::kString:
    case EntityKind::kConstant:
    case EntityKind::kAnonymous: {
      const ByteView contents = model.contents(entity);
      return "content " + hex_bytes(contents.first(std::min<std::size_t>(contents.size(), 256)));
    }
    case EntityKind::kExternal: return "external " + std::string(entity.name);
    case EntityKind::kFunction:
    case EntityKind::kData: break;
  }
  if (correlation == nullptr) return "entity " + std::to_string(index.value());
  const auto twin = correlation->to_original(index);
  return twin ? "entity " + std::to_string(twin->value()) : "new " + std::string(entity.name);
}

std::string canonical_bytes(ByteView code, const target::Instruction& instruction, std::span<const diff::Reference> inside) {
  Bytes bytes(code.begin() + instruction.offset, code.begin() + instruction.end());
  for (const diff::Reference& reference : inside)
    for (std::uint64_t i = 0; i < target::fixup_size(reference.kind) && reference.offset - instruction.offset + i < bytes.size();
         ++i)
      bytes[reference.offset - instruction.offset + i] = std::byte{0};
  return hex_bytes(bytes);
}

/// Myers' greedy algorithm: the pairs of a longest common subsequence. Beyond kMost edits nothing more is paired: such functions have
/// little in common, and the table of the way back grows with the square.
std::vector<std::pair<std::size_t, std::size_t>> common_lines(const std::vector<std::string_view>& original,
                                                              const std::vector<std::string_view>& patched) {
  constexpr std::int64_t kMost = 2000;
  const auto n = static_cast<std::int64_t>(original.size());
  const auto m = static_cast<std::int64_t>(patched.size());
  const auto at = [](const std::vector<std::string_view>& lines, std::int64_t i) { return lines[static_cast<std::size_t>(i)]; };
  std::vector<std::vector<std::int64_t>> trace;  // by number of edits: the furthest x on each diagonal
  std::vector<std::pair<std::size_t, std::size_t>> pairs;
  if (n == 0 || m == 0) return pairs;
  for (std::int64_t edits = 0; edits <= std::min(n + m, kMost); ++edits) {
    std::vector<std::int64_t> furthest(static_cast<std::size_t>(2 * edits + 1), 0);
    bool is_done = false;
    for (std::int64_t k = -edits; k <= edits; k += 2) {
      const auto before = [&](std::int64_t diagonal) -> std::int64_t {
        const std::int64_t reach = edits - 1;
        if (reach < 0 || diagonal < -reach || diagonal > reach) return -1;
        return trace.back()[static_cast<std::size_t>(diagonal + reach)];
      };
      std::int64_t x = edits == 0 ? 0 : std::max(before(k + 1), before(k - 1) < 0 ? -1 : before(k - 1) + 1);
      while (x < n && x - k < m && x - k >= 0 && at(original, x) == at(patched, x - k)) ++x;
      furthest[static_cast<std::size_t>(k + edits)] = x;
      is_done = is_done || (x >= n && x - k >= m);
    }
    trace.push_back(std::move(furthest));
    if (!is_done) continue;
    std::int64_t x = n;
    std::int64_t y = m;
    for (std::int64_t d = edits; d >= 0; --d) {
      const std::int64_t k = x - y;
      std::int64_t from = 0;
      std::int64_t k_before = 0;
      if (d > 0) {
        const auto value = [&](std::int64_t diagonal) -> std::int64_t {
          if (diagonal < -(d - 1) || diagonal > d - 1) return -1;
          return trace[static_cast<std::size_t>(d - 1)][static_cast<std::size_t>(diagonal + d - 1)];
        };
        const bool is_insertion = value(k + 1) >= (value(k - 1) < 0 ? -1 : value(k - 1) + 1);
        k_before = is_insertion ? k + 1 : k - 1;
        from = is_insertion ? value(k + 1) : value(k - 1) + 1;
      }
      for (; x > from; --x, --y) pairs.emplace_back(x - 1, y - 1);
      if (d > 0) {
        x = trace[static_cast<std::size_t>(d - 1)][static_cast<std::size_t>(k_before + d - 1)];
        y = x - k_before;
      }
    }
    std::ranges::reverse(pairs);
    return pairs;
  }
  return pairs;
}

}  // namespace

Result<const BothLines*> PairLines::read() {
  if (!known_) {
    std::array<Result<elf::LineTable>, 2> lines;
    parallel_for(2, 2, [&](std::size_t side) { lines[side] = elf::read_lines(side == 0 ? original_ : patched_); });
    for (Result<elf::LineTable>& table : lines) {
      if (!table && table.error().code() == Errc::kNotFound) table = elf::LineTable();
      if (!table) return fail(table.error());
    }
    known_ = BothLines{std::move(*lines[0]), std::move(*lines[1])};
  }
  return &*known_;
}

std::string source_text(const elf::LineTable& lines, elf::SectionIndex section, std::uint64_t offset) {
  const auto line = lines.find(section, offset);
  return line ? line->file + ":" + std::to_string(line->line) : std::string();
}

std::string place_text(const diff::ObjectModel& model, const diff::Place& place) {
  std::string text = model.describe(place.entity);
  if (place.offset != 0) text += (place.offset > 0 ? "+" : "") + std::to_string(place.offset);
  return text;
}

std::vector<ListingLine> list_function(const diff::ObjectModel& model, const Entity& entity, const diff::Correlation* correlation,
                                       const elf::LineTable& lines, target::Decoder& decoder) {
  std::vector<ListingLine> product;
  const ByteView code = model.contents(entity);
  std::size_t next = 0;
  for (const target::Instruction& instruction : entity.instructions) {
    const std::size_t begin = next;
    while (next < entity.references.size() && entity.references[next].offset < instruction.end()) ++next;
    const std::span<const diff::Reference> inside = std::span(entity.references).subspan(begin, next - begin);
    ListingLine line;
    line.offset = instruction.offset;
    line.bytes = hex_bytes(code.subspan(instruction.offset, instruction.length));
    line.text = decoder.print(code.subspan(instruction.offset), instruction.offset);
    line.source = source_text(lines, entity.section, entity.offset + instruction.offset);
    if (inside.empty() && instruction.target && instruction.flow != target::Flow::kNext) {
      line.branch_to = static_cast<std::uint64_t>(*instruction.target);
      line.canonical =
          "branch " + std::to_string(static_cast<int>(instruction.flow)) + " " + std::to_string(instruction.branch_condition);
    } else {
      line.canonical = canonical_bytes(code, instruction, inside);
    }
    for (const diff::Reference& reference : inside) {
      line.operand += (line.operand.empty() ? "" : ", ") + place_text(model, reference.target);
      line.canonical += " " + std::to_string(static_cast<int>(reference.is_branch)) +
                        identity_of(model, reference.target.entity, correlation) + "+" + std::to_string(reference.target.offset);
    }
    product.push_back(std::move(line));
  }
  return product;
}

std::vector<ListingRow> align(const std::vector<ListingLine>& original, const std::vector<ListingLine>& patched) {
  const auto keys = [](const std::vector<ListingLine>& lines) {
    std::vector<std::string_view> texts;
    for (const ListingLine& line : lines) texts.push_back(line.canonical);
    return texts;
  };
  std::vector<ListingRow> rows;
  std::map<std::uint64_t, std::uint64_t> counterpart;  // offsets of lines that are side by side
  std::size_t x = 0;
  std::size_t y = 0;
  // What is between two common lines differs, and is shown side by side as well.
  const auto add_gap = [&](std::size_t to_x, std::size_t to_y) {
    while (x < to_x || y < to_y) {
      ListingRow row;
      if (x < to_x) row.original = x++;
      if (y < to_y) row.patched = y++;
      if (row.original && row.patched) counterpart[original[*row.original].offset] = patched[*row.patched].offset;
      rows.push_back(row);
    }
  };
  for (const auto& [to_x, to_y] : common_lines(keys(original), keys(patched))) {
    add_gap(to_x, to_y);
    counterpart[original[x].offset] = patched[y].offset;
    rows.push_back({x++, y++, false});
  }
  add_gap(original.size(), patched.size());
  for (ListingRow& row : rows) {
    if (row.differs) continue;
    const ListingLine& before = original[*row.original];
    const ListingLine& after = patched[*row.patched];
    if (!before.branch_to) continue;
    const auto found = counterpart.find(*before.branch_to);
    const bool is_outside = found == counterpart.end() && *before.branch_to - before.offset == *after.branch_to - after.offset;
    row.differs = !is_outside && (found == counterpart.end() || found->second != after.branch_to);
  }
  return rows;
}

}  // namespace hotpatch::cli

// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/pairs/source_text.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace hotpatch::buildenv {
namespace {

std::string_view without_return(std::string_view text) {
  if (text.ends_with("\r\n")) text.remove_suffix(2);
  if (text.ends_with('\n')) text.remove_suffix(1);
  return text;
}

bool same_line(std::string_view in_file, std::string_view in_patch, bool lost_returns) {
  if (in_file == in_patch) return true;
  // A patch file that lost its carriage returns, or got some on its way, says nothing about those of the source.
  return lost_returns && without_return(in_file) == without_return(in_patch);
}

std::vector<std::string_view> expected_lines(const Hunk& hunk) {
  std::vector<std::string_view> expected;
  for (const HunkLine& line : hunk.lines)
    if (line.kind != '+') expected.emplace_back(line.text);
  return expected;
}

bool fits(const SourceLines& lines, std::size_t at, const std::vector<std::string_view>& expected, bool lost_returns) {
  if (at > lines.size() || lines.size() - at < expected.size()) return false;
  for (std::size_t i = 0; i < expected.size(); ++i)
    if (!same_line(lines[at + i].text, expected[i], lost_returns)) return false;
  return true;
}

/// A hunk against an empty range stands behind its line, any other at it (POSIX diff).
std::size_t stated_place(const Hunk& hunk) {
  return hunk.original_count == 0 ? hunk.original_start : std::max<std::size_t>(hunk.original_start, 1) - 1;
}

struct Found {
  std::size_t at = 0;
  bool is_ambiguous = false;
};

std::optional<Found> find_place(const SourceLines& lines, std::size_t earliest, std::size_t wanted,
                                const std::vector<std::string_view>& expected, bool lost_returns) {
  if (wanted >= earliest && fits(lines, wanted, expected, lost_returns)) return Found{wanted, false};
  if (expected.empty()) return std::nullopt;  // nothing says where else it might belong
  std::optional<Found> found;
  std::size_t nearest = 0;
  for (std::size_t at = earliest; at + expected.size() <= lines.size(); ++at) {
    if (!fits(lines, at, expected, lost_returns)) continue;
    const std::size_t distance = at > wanted ? at - wanted : wanted - at;
    if (!found || distance < nearest) {
      found = Found{at, found.has_value()};
      nearest = distance;
    } else {
      found->is_ambiguous = true;
    }
  }
  return found;
}

std::string quoted(std::string_view line) { return "'" + std::string(without_return(line)) + "'"; }

/// Where most lines of the hunk match tells best what is wrong with it.
std::string mismatch(const SourceLines& lines, std::size_t wanted, const std::vector<std::string_view>& expected,
                     bool lost_returns) {
  std::size_t best_at = wanted;
  std::size_t best_count = 0;
  for (std::size_t at = 0; at < lines.size(); ++at) {
    std::size_t count = 0;
    for (std::size_t i = 0; i < expected.size() && at + i < lines.size(); ++i)
      if (same_line(lines[at + i].text, expected[i], lost_returns)) ++count;
    const auto distance = [wanted](std::size_t place) { return place > wanted ? place - wanted : wanted - place; };
    if (count > best_count || (count == best_count && count > 0 && distance(at) < distance(best_at))) {
      best_at = at;
      best_count = count;
    }
  }
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (best_at + i >= lines.size())
      return "expected " + quoted(expected[i]) + " at line " + std::to_string(best_at + i + 1) + ", but the file ends at line " +
             std::to_string(lines.size());
    if (!same_line(lines[best_at + i].text, expected[i], lost_returns))
      return "expected " + quoted(expected[i]) + " at line " + std::to_string(best_at + i + 1) + ", found " +
             quoted(lines[best_at + i].text);
  }
  return "its place overlaps that of the hunk before it";
}

/// Replaces hunk.original_count lines at `at`. Lines that stay keep their origin.
void replace_lines(SourceLines& lines, std::size_t at, const Hunk& hunk, bool lost_returns) {
  SourceLines replaced;
  std::size_t next = at;
  const bool has_returns = !lines.empty() && lines.front().text.ends_with("\r\n");
  for (const HunkLine& line : hunk.lines) {
    if (line.kind == ' ') {
      replaced.push_back(std::move(lines[next++]));
    } else if (line.kind == '-') {
      ++next;
    } else {
      std::string text = line.text;
      if (lost_returns && has_returns && text.ends_with('\n')) text.insert(text.size() - 1, 1, '\r');
      replaced.push_back({std::move(text), 0});
    }
  }
  const auto first = lines.begin() + static_cast<std::ptrdiff_t>(at);
  const auto last = lines.begin() + static_cast<std::ptrdiff_t>(next);
  const auto gap = lines.erase(first, last);
  lines.insert(gap, std::make_move_iterator(replaced.begin()), std::make_move_iterator(replaced.end()));
}

/// The hunk without its outermost context lines, as patch(1) counts them: `fuzz` lines of the longer context, and of the shorter one
/// as many as make it equally long.
Hunk with_less_context(const Hunk& hunk, std::size_t fuzz) {
  const auto is_change = [](const HunkLine& line) { return line.kind != ' '; };
  const auto before = static_cast<std::size_t>(std::ranges::find_if(hunk.lines, is_change) - hunk.lines.begin());
  const auto last = std::find_if(hunk.lines.rbegin(), hunk.lines.rend(), is_change);
  const auto behind = static_cast<std::size_t>(last - hunk.lines.rbegin());
  const std::size_t kept = std::max(before, behind) - std::min(fuzz, std::max(before, behind));
  const std::size_t drop_before = before - std::min(before, kept);
  const std::size_t drop_behind = behind - std::min(behind, kept);
  Hunk result = hunk;
  result.lines.erase(result.lines.end() - static_cast<std::ptrdiff_t>(drop_behind), result.lines.end());
  result.lines.erase(result.lines.begin(), result.lines.begin() + static_cast<std::ptrdiff_t>(drop_before));
  const auto dropped = static_cast<std::uint32_t>(drop_before + drop_behind);
  result.original_start += static_cast<std::uint32_t>(drop_before);
  result.patched_start += static_cast<std::uint32_t>(drop_before);
  result.original_count -= dropped;
  result.patched_count -= dropped;
  if (result.original_count == 0 && hunk.original_count != 0) --result.original_start;  // now it stands behind its line
  return result;
}

Result<std::vector<MovedHunk>> apply_forward(SourceLines& lines, const FilePatch& patch, unsigned max_fuzz) {
  std::vector<MovedHunk> moved;
  std::int64_t shift = 0;  // lines by which what follows stands elsewhere than the patch says: hunks before it, and their offsets
  std::size_t earliest = 0;
  for (std::size_t i = 0; i < patch.hunks.size(); ++i) {
    const Hunk& whole = patch.hunks[i];
    for (unsigned fuzz = 0;; ++fuzz) {
      const Hunk hunk = with_less_context(whole, fuzz);
      const std::vector<std::string_view> expected = expected_lines(hunk);
      const std::int64_t stated = static_cast<std::int64_t>(stated_place(hunk)) + shift;
      const std::size_t wanted = stated < 0 ? 0 : static_cast<std::size_t>(stated);
      const std::optional<Found> found = find_place(lines, earliest, wanted, expected, patch.lost_returns);
      if (!found && fuzz < max_fuzz) continue;
      if (!found) {
        const std::size_t whole_wanted = wanted - std::min<std::size_t>(wanted, hunk.original_start - whole.original_start);
        return fail(Errc::kInvalid,
                    "hunk " + std::to_string(i + 1) + " of " + std::to_string(patch.hunks.size()) + " for " + patch.name() +
                        " does not apply: " + mismatch(lines, whole_wanted, expected_lines(whole), patch.lost_returns));
      }
      const std::int64_t offset = static_cast<std::int64_t>(found->at) - stated;
      if (offset != 0 || fuzz != 0) moved.push_back({i + 1, offset, fuzz, found->is_ambiguous});
      replace_lines(lines, found->at, hunk, patch.lost_returns);
      earliest = found->at + hunk.patched_count;
      shift += offset + static_cast<std::int64_t>(hunk.patched_count) - static_cast<std::int64_t>(hunk.original_count);
      break;
    }
  }
  return moved;
}

}  // namespace

SourceLines split_source(std::string_view content) {
  SourceLines lines;
  while (!content.empty()) {
    const std::size_t end = content.find('\n');
    const std::size_t length = end == std::string_view::npos ? content.size() : end + 1;
    lines.push_back({std::string(content.substr(0, length)), static_cast<std::uint32_t>(lines.size() + 1)});
    content.remove_prefix(length);
  }
  return lines;
}

std::string join_source(const SourceLines& lines) {
  std::string content;
  for (const SourceLine& line : lines) content += line.text;
  return content;
}

Result<std::vector<MovedHunk>> apply_hunks(SourceLines& lines, const FilePatch& patch, unsigned fuzz) {
  SourceLines trial = lines;
  auto moved = apply_forward(trial, patch, fuzz);
  if (!moved) {
    SourceLines backwards = lines;
    if (!patch.hunks.empty() && apply_forward(backwards, reversed(patch), 0))
      return tl::unexpected(
          std::move(moved).error().with_remedy("the file looks as if the patch were applied already: this base may have the fix "
                                               "(or --reverse is missing or too much)"));
    return moved;
  }
  lines = std::move(trial);
  return moved;
}

}  // namespace hotpatch::buildenv

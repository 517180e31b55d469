// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/pairs/patch_text.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

namespace hotpatch::buildenv {
namespace {

bool consume(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

std::string_view without_line_end(std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

std::vector<std::string_view> split_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::size_t length = end == std::string_view::npos ? text.size() : end + 1;
    lines.push_back(text.substr(0, length));
    text.remove_prefix(length);
  }
  return lines;
}

/// "12,3" or "12", whose count is 1.
bool parse_range(std::string_view& text, std::uint32_t& start, std::uint32_t& count) {
  const auto number = [&text](std::uint32_t& value) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc()) return false;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return true;
  };
  if (!number(start)) return false;
  count = 1;
  return !consume(text, ",") || number(count);
}

bool parse_hunk_header(std::string_view line, Hunk& hunk) {
  return consume(line, "@@ -") && parse_range(line, hunk.original_start, hunk.original_count) && consume(line, " +") &&
         parse_range(line, hunk.patched_start, hunk.patched_count) && line.starts_with(" @@");
}

/// A name in double quotes, with the escapes of C, as git writes names with unusual bytes. Leaves `text` behind the closing quote.
std::optional<std::string> parse_quoted(std::string_view& text) {
  std::string name;
  text.remove_prefix(1);
  while (!text.empty() && text.front() != '"') {
    char byte = text.front();
    text.remove_prefix(1);
    if (byte == '\\' && !text.empty()) {
      constexpr std::string_view kEscapes = "abtnvfr\"\\";
      constexpr std::string_view kMeanings = "\a\b\t\n\v\f\r\"\\";
      const std::size_t known = kEscapes.find(text.front());
      if (known != std::string_view::npos) {
        byte = kMeanings[known];
        text.remove_prefix(1);
      } else {
        unsigned value = 0;
        const std::size_t digits = std::min<std::size_t>(text.size(), 3);
        const auto [end, error] = std::from_chars(text.data(), text.data() + digits, value, 8);
        if (error != std::errc() || end != text.data() + 3 || value > 0xff) return std::nullopt;
        byte = static_cast<char>(value);
        text.remove_prefix(3);
      }
    }
    name += byte;
  }
  if (text.empty()) return std::nullopt;
  text.remove_prefix(1);
  return name;
}

class PatchParser {
 public:
  PatchParser(std::string_view text, const std::string& name) : lines_(split_lines(text)), name_(name) {}

  Result<std::vector<FilePatch>> run() {
    while (at_ < lines_.size()) {
      const std::string_view line = without_line_end(lines_[at_]);
      if (line.starts_with("diff --git ")) {
        HP_TRY(parse_git());
      } else if (line.starts_with("diff --cc ") || line.starts_with("diff --combined ")) {
        return unsupported("a combined diff (of a merge)");
      } else if (is_plain_header()) {
        FilePatch patch;
        patch.patch_line = at_ + 1;
        HP_TRY(parse_names_and_hunks(patch));
        HP_TRY(finish(std::move(patch)));
      } else if (line.starts_with("@@ -")) {
        Hunk hunk;
        return malformed(parse_hunk_header(line, hunk) ? "a hunk without the name of a file before it"
                                                       : "the header of a hunk cannot be read");
      } else if (is_pair_of_names()) {
        ++at_;
        ++at_;
        return malformed("the names of a file are not followed by the header of a hunk");
      } else {
        if (line.starts_with("Binary files ") && line.ends_with(" differ")) return unsupported("a change of a binary file");
        ++at_;
      }
    }
    if (patches_.empty())
      return tl::unexpected(
          Error(Errc::kMalformed, name_ + ": there is no unified diff in it")
              .with_remedy("give a patch made by git format-patch, git diff or diff -up; a mail that is encoded as "
                           "base64 or quoted-printable must be decoded first"));
    return std::move(patches_);
  }

 private:
  [[nodiscard]] std::string place() const { return name_ + ":" + std::to_string(at_ + 1) + ": "; }
  [[nodiscard]] tl::unexpected<Error> malformed(const std::string& what) const { return fail(Errc::kMalformed, place() + what); }
  [[nodiscard]] tl::unexpected<Error> unsupported(const std::string& what) const {
    return fail(Errc::kUnsupported, place() + what + " is not supported");
  }

  /// "--- X", "+++ Y" and the header of a hunk: less would also match text of a log message.
  [[nodiscard]] bool is_plain_header() const {
    Hunk hunk;
    return lines_.size() - at_ >= 3 && lines_[at_].starts_with("--- ") && lines_[at_ + 1].starts_with("+++ ") &&
           parse_hunk_header(lines_[at_ + 2], hunk);
  }

  /// "--- X" and "+++ Y", whatever follows.
  [[nodiscard]] bool is_pair_of_names() const {
    return lines_.size() - at_ >= 2 && lines_[at_].starts_with("--- ") && lines_[at_ + 1].starts_with("+++ ");
  }

  /// A line behind a hunk's last one, which its header's counts leave out: dropped, the patch would be another one. A signature ("-- ")
  /// and the names of the next file may follow.
  [[nodiscard]] bool is_left_over() const {
    if (at_ >= lines_.size()) return false;
    const std::string_view line = without_line_end(lines_[at_]);
    if (line.empty() || line == "-- " || line == "--" || is_pair_of_names()) return false;
    return line.front() == '+' || line.front() == '-' || line.front() == ' ';
  }

  /// The name in a "---" or "+++" line or a git header: strips the first component if `strip`; /dev/null becomes the empty name.
  Result<std::string> parse_name(std::string_view text, bool strip) {
    std::string name;
    if (text.starts_with('"')) {
      std::optional<std::string> quoted = parse_quoted(text);
      if (!quoted) return malformed("the quoted name of a file is cut off or has a wrong escape");
      name = *std::move(quoted);
    } else {
      name = text.substr(0, text.find('\t'));  // diff -u puts a time behind a tab
    }
    if (name == "/dev/null") return std::string();
    if (strip) {
      const std::size_t slash = name.find('/');
      if (slash == std::string::npos || slash == 0)
        return tl::unexpected(
            Error(Errc::kMalformed, place() + name + ": a relative name with a directory to strip is expected")
                .with_remedy("make the patch at the top of the source tree, with git diff or with diff -up a/FILE b/FILE"));
      name.erase(0, slash + 1);
    }
    const std::string walled = "/" + name + "/";
    if (name.empty() || name.front() == '/' || walled.find("/../") != std::string::npos ||
        walled.find("/./") != std::string::npos || walled.find("//") != std::string::npos || name.find('\0') != std::string::npos)
      return malformed("the name '" + name + "' does not lie inside the source tree");
    return name;
  }

  Result<> parse_hunks(FilePatch& patch) {
    Hunk hunk;
    while (at_ < lines_.size() && parse_hunk_header(lines_[at_], hunk)) {
      hunk.patch_line = at_ + 1;
      hunk.lines.clear();
      const std::size_t header = at_++;
      std::uint64_t originals = 0;
      std::uint64_t patcheds = 0;
      while (originals < hunk.original_count || patcheds < hunk.patched_count) {
        if (at_ >= lines_.size()) {
          at_ = header;
          return malformed("hunk " + std::to_string(patch.hunks.size() + 1) + " of " + patch.name() + " is cut off");
        }
        HP_TRY(parse_hunk_line(patch, hunk));
        const char kind = hunk.lines.back().kind;
        originals += kind != '+' ? 1U : 0U;
        patcheds += kind != '-' ? 1U : 0U;
        if (originals > hunk.original_count || patcheds > hunk.patched_count) {
          at_ = header;
          return malformed("hunk " + std::to_string(patch.hunks.size() + 1) + " of " + patch.name() +
                           " has other lines than its header says");
        }
      }
      take_missing_newline(hunk);
      patch.hunks.push_back(hunk);
      if (is_left_over())
        return malformed("hunk " + std::to_string(patch.hunks.size()) + " of " + patch.name() +
                         " goes on behind the lines that its header counts");
    }
    return {};
  }

  Result<> parse_hunk_line(const FilePatch& patch, Hunk& hunk) {
    take_missing_newline(hunk);
    if (at_ >= lines_.size()) return malformed("the last hunk of " + patch.name() + " is cut off");
    const std::string_view line = lines_[at_];
    const bool is_blank = without_line_end(line).empty();  // mailers drop the blank of an empty context line
    const char kind = is_blank ? ' ' : line.front();
    if (kind != ' ' && kind != '-' && kind != '+')
      return malformed("a line of a hunk must begin with ' ', '-', '+' or '\\', not with '" + std::string(1, kind) + "'");
    std::string text(is_blank ? std::string_view("\n") : line.substr(1));
    if (patch.lost_returns && text.ends_with("\r\n")) text.erase(text.size() - 2, 1);
    if (!text.ends_with('\n')) text += '\n';  // of the patch file, not of the patched one
    hunk.lines.push_back({kind, std::move(text)});
    ++at_;
    return {};
  }

  /// "\ No newline at end of file" (in any language) takes the line end off the line before it.
  void take_missing_newline(Hunk& hunk) {
    if (at_ >= lines_.size() || !lines_[at_].starts_with("\\ ") || hunk.lines.empty()) return;
    std::string& text = hunk.lines.back().text;
    if (text.ends_with('\n')) text.pop_back();
    ++at_;
  }

  Result<> parse_names_and_hunks(FilePatch& patch) {
    patch.lost_returns = lines_[at_].ends_with("\r\n") && lines_[at_ + 1].ends_with("\r\n");
    HP_ASSIGN(patch.original_name, parse_name(without_line_end(lines_[at_]).substr(4), true));
    ++at_;
    HP_ASSIGN(patch.patched_name, parse_name(without_line_end(lines_[at_]).substr(4), true));
    ++at_;
    if (patch.original_name.empty() && patch.patched_name.empty()) return malformed("both names are /dev/null");
    HP_TRY(parse_hunks(patch));
    // diff -N names an absent file with an empty range, not with /dev/null.
    if (patch.hunks.size() == 1 && patch.hunks[0].original_start == 0 && patch.hunks[0].original_count == 0)
      patch.original_name.clear();
    if (patch.hunks.size() == 1 && patch.hunks[0].patched_start == 0 && patch.hunks[0].patched_count == 0)
      patch.patched_name.clear();
    if (patch.original_name.empty() && patch.patched_name.empty()) return malformed("an empty hunk");
    return {};
  }

  /// The names of "diff --git a/X b/X": the only ones there are if only the mode or nothing changes.
  Result<> parse_git_names(std::string_view text, FilePatch& patch) {
    if (text.starts_with('"')) {
      std::string_view rest = text;
      if (!parse_quoted(rest)) return malformed("the quoted name of a file is cut off or has a wrong escape");
      HP_ASSIGN(patch.original_name, parse_name(text, true));
      consume(rest, " ");
      HP_ASSIGN(patch.patched_name, parse_name(rest, true));
      return {};
    }
    // Without quotes blanks are ambiguous; where the names are equal, the middle is the border.
    const std::size_t middle = text.size() / 2;
    std::size_t border = text.size() % 2 == 1 && text[middle] == ' ' ? middle : text.find(' ');
    if (border == std::string_view::npos) return malformed("a git header with one name");
    HP_ASSIGN(patch.original_name, parse_name(text.substr(0, border), true));
    HP_ASSIGN(patch.patched_name, parse_name(text.substr(border + 1), true));
    return {};
  }

  Result<> parse_git() {
    FilePatch patch;
    patch.patch_line = at_ + 1;
    std::string_view header = without_line_end(lines_[at_]);
    consume(header, "diff --git ");
    HP_TRY(parse_git_names(header, patch));
    bool is_new = false;
    bool is_deleted = false;
    for (++at_; at_ < lines_.size(); ++at_) {
      std::string_view line = without_line_end(lines_[at_]);
      if (consume(line, "new file mode ")) {
        is_new = true;
      } else if (consume(line, "deleted file mode ")) {
        is_deleted = true;
      } else if (consume(line, "old mode ") || consume(line, "new mode ")) {
        patch.mode_changes = true;
      } else if (consume(line, "rename from ") || consume(line, "copy from ")) {
        (without_line_end(lines_[at_]).starts_with("copy") ? patch.is_copy : patch.is_rename) = true;
        HP_ASSIGN(patch.original_name, parse_name(line, false));
      } else if (consume(line, "rename to ") || consume(line, "copy to ")) {
        HP_ASSIGN(patch.patched_name, parse_name(line, false));
      } else if (!line.starts_with("similarity index ") && !line.starts_with("dissimilarity index ") &&
                 !line.starts_with("index ")) {
        break;
      }
    }
    if (at_ < lines_.size() && (lines_[at_].starts_with("GIT binary patch") || lines_[at_].starts_with("Binary files "))) {
      patch.is_binary = true;
      ++at_;
    } else if (is_plain_header()) {
      HP_TRY(parse_names_and_hunks(patch));
    }
    if (is_new) patch.original_name.clear();
    if (is_deleted) patch.patched_name.clear();
    if (patch.original_name.empty() && patch.patched_name.empty()) return malformed("a file that is neither before nor after");
    return finish(std::move(patch));
  }

  Result<> finish(FilePatch patch) {
    patches_.push_back(std::move(patch));
    return {};
  }

  std::vector<std::string_view> lines_;
  const std::string& name_;
  std::size_t at_ = 0;
  std::vector<FilePatch> patches_;
};

}  // namespace

Result<std::vector<FilePatch>> parse_patch(std::string_view text, const std::string& name) {
  return PatchParser(text, name).run();
}

FilePatch reversed(const FilePatch& patch) {
  FilePatch result = patch;
  std::swap(result.original_name, result.patched_name);
  if (result.is_copy) {  // backwards, a copy is the removal of the copy
    result.patched_name.clear();
    result.is_copy = false;
  }
  for (Hunk& hunk : result.hunks) {
    std::swap(hunk.original_start, hunk.patched_start);
    std::swap(hunk.original_count, hunk.patched_count);
    for (HunkLine& line : hunk.lines) {
      if (line.kind == '-') {
        line.kind = '+';
      } else if (line.kind == '+') {
        line.kind = '-';
      }
    }
  }
  return result;
}

}  // namespace hotpatch::buildenv

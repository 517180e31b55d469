// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/pairs/series.h"

#include <algorithm>
#include <set>
#include <utility>

#include "buildenv/pairs/line_sync.h"
#include "buildenv/pairs/rules.h"
#include "common/support/digest.h"
#include "common/support/file.h"

namespace hotpatch::buildenv {
namespace {

/// No patch comes near this; the largest of the kernel's yearly ones are 50 MB.
constexpr std::uint64_t kMaxPatchSize = std::uint64_t{64} << 20;

class SeriesApplier {
 public:
  SeriesApplier(const Base& base, bool reverse, unsigned fuzz)
      : base_(base),
        reverse_(reverse),
        fuzz_(fuzz),
        root_(base.source_root()),
        rules_(base.kernel ? kernel_source_rules() : xen_source_rules()) {
    build_directory_ = base.build_path().lexically_relative(root_).string();
    if (build_directory_ == ".") build_directory_.clear();
  }

  Result<> apply_file(const std::filesystem::path& path, const std::string& text) {
    const std::string name = path.filename().string();
    HP_ASSIGN(std::vector<FilePatch> patches, parse_patch(text, name));
    if (reverse_) {
      std::ranges::reverse(patches);
      for (FilePatch& patch : patches) patch = reversed(patch);
    }
    for (FilePatch& patch : patches) {
      auto done = apply_one(std::move(patch), name);
      if (!done) return tl::unexpected(std::move(done).error().while_doing((reverse_ ? "apply backwards " : "apply ") + name));
    }
    return {};
  }

  PatchSeries take() && {
    // A file that one patch changes and another changes back is not changed.
    std::erase_if(series_.files, [](const auto& entry) {
      const TouchedFile& file = entry.second;
      if (!file.original || !file.patched) return !file.original && !file.patched;
      return join_source(*file.patched) == *file.original;
    });
    return std::move(series_);
  }

 private:
  Result<> apply_one(FilePatch patch, const std::string& patch_name) {
    HP_TRY(choose_name(patch));
    const Classified what = classify_file(patch.name(), build_directory_, base_.architecture, rules_);
    if (judge(patch, what)) return {};
    if (patch.is_binary) return fail(Errc::kUnsupported, patch.name() + ": a change of a binary file is not supported");

    TouchedFile* from = nullptr;
    if (!patch.original_name.empty()) {
      HP_ASSIGN(from, touch(patch.original_name));
      if (!from->patched)
        return tl::unexpected(Error(Errc::kInvalid, patch.original_name + ": no such file in the source of the base")
                                  .with_remedy("check that the patch is for " + base_.description));
    }
    SourceLines lines = from != nullptr ? *from->patched : SourceLines();
    HP_ASSIGN(const std::vector<MovedHunk> moved, apply_hunks(lines, patch, fuzz_));
    for (const MovedHunk& hunk : moved) report_moved(patch, hunk, patch_name);

    if (patch.patched_name.empty()) {
      if (!lines.empty())
        return fail(Errc::kInvalid, patch.original_name + ": the patch removes the file, but " + std::to_string(lines.size()) +
                                        " lines of it are not in the patch");
      from->patched.reset();
      return {};
    }
    if (patch.patched_name == patch.original_name) {
      from->patched = std::move(lines);
      return {};
    }
    HP_ASSIGN(TouchedFile * to, touch(patch.patched_name));
    if (to->patched)
      return tl::unexpected(Error(Errc::kInvalid, patch.patched_name + ": the patch makes this file, but it exists already")
                                .with_remedy("the patch may have been applied already, or is for another source"));
    to->patched = std::move(lines);
    // Re-made where it had been: the lines count as new, but the file does not.
    if (from != nullptr && !patch.is_copy) touch_existing(patch.original_name).patched.reset();
    return {};
  }

  /// diff -u between files of different names (FILE.orig, FILE) means the one that exists.
  Result<> choose_name(FilePatch& patch) {
    if (patch.is_rename || patch.is_copy || patch.original_name.empty() || patch.patched_name.empty() ||
        patch.original_name == patch.patched_name)
      return {};
    const auto exists = [this](const std::string& name) {
      const auto known = series_.files.find(name);
      if (known != series_.files.end()) return known->second.patched.has_value();
      std::error_code ignored;
      return std::filesystem::exists(root_ / name, ignored);
    };
    const std::string chosen =
        exists(patch.patched_name) || !exists(patch.original_name) ? patch.patched_name : patch.original_name;
    patch.original_name = chosen;
    patch.patched_name = chosen;
    return {};
  }

  TouchedFile& touch_existing(const std::string& name) { return series_.files.find(name)->second; }

  /// The state of a file before this patch, read from the base when it is first asked for. Stable until the series ends.
  Result<TouchedFile*> touch(const std::string& name) {
    const auto known = series_.files.find(name);
    if (known != series_.files.end()) return &known->second;
    TouchedFile file;
    file.what = classify_file(name, build_directory_, base_.architecture, rules_);
    const std::filesystem::path path = root_ / name;
    std::error_code error;
    const std::filesystem::path real = std::filesystem::weakly_canonical(path, error);
    if (!error && real != std::filesystem::weakly_canonical(root_, error) / name)
      return fail(Errc::kUnsupported, name + ": leads through a symbolic link of the source tree");
    if (std::filesystem::exists(path, error)) {
      HP_ASSIGN(file.original, read_text_file(path));
      file.patched = split_source(*file.original);
    }
    return &series_.files.emplace(name, std::move(file)).first->second;
  }

  void report_moved(const FilePatch& patch, const MovedHunk& hunk, const std::string& patch_name) {
    Finding finding;
    finding.rule = rule::kMovedHunk;
    finding.severity = hunk.is_ambiguous || hunk.fuzz != 0 ? Severity::kWarning : Severity::kNote;
    finding.where.source = patch.name();
    finding.text = "hunk " + std::to_string(hunk.number) + " of " + patch_name + " applies ";
    if (hunk.offset == 0) {
      finding.text += "where the patch says";
    } else {
      finding.text +=
          std::to_string(std::abs(hunk.offset)) + " lines " + (hunk.offset < 0 ? "above" : "below") + " where the patch says";
    }
    if (hunk.fuzz != 0) finding.text += ", with " + std::to_string(hunk.fuzz) + " lines of context ignored";
    if (hunk.is_ambiguous) finding.text += "; other places fit as well";
    if (finding.severity == Severity::kWarning)
      finding.remedy = "check that the right place was patched, or remake the patch for this source";
    series_.findings.add(std::move(finding));
  }

  void report(const char* rule_id, Severity severity, const std::string& source, std::string text, std::string remedy) {
    if (!reported_.insert({rule_id, source}).second) return;
    series_.findings.add({rule_id, severity, {"", "", "", source}, std::move(text), std::move(remedy)});
  }

  /// True if nothing more is to be done about the file.
  bool judge(const FilePatch& patch, const Classified& what) {
    const std::string& shown = what.path.empty() ? patch.name() : what.path;
    switch (what.kind) {
      case FileClass::kDocumentation:
        report(rule::kDocumentation, Severity::kNote, shown, "documentation, from which no code is made: ignored", "");
        return true;
      case FileClass::kOtherArchitecture:
        report(rule::kOtherArchitecture, Severity::kNote, shown,
               "for another architecture than " + base_.architecture + ": ignored", "");
        return true;
      case FileClass::kOutside:
        report(rule::kOutside, Severity::kError, shown,
               "lies outside " + build_directory_ + "/: it does not belong to the " + std::string(rules_.noun),
               "give a patch of the " + std::string(rules_.noun) +
                   "'s files alone; what else the fix changes needs an update of that part");
        return true;
      case FileClass::kBuildSystem:
        if (is_evaluated(what.path)) return false;
        report(rule::kBuildSystem, Severity::kError, shown,
               "decides what is built or how; a running " + std::string(rules_.noun) + " cannot be given that",
               "leave the file out of the patch if the fix works without it");
        return true;
      case FileClass::kSource:
      case FileClass::kAssembly:
        if (patch.patched_name.empty() || patch.is_rename)
          report(rule::kBuildSystem, Severity::kError, shown,
                 "a source file is removed or renamed, which changes the list of objects",
                 "keep the file and its name; code that is not called any more does no harm");
        return false;
      case FileClass::kHeader:
      case FileClass::kGeneratorInput: return false;
    }
    return false;
  }

  /// Whoever can ask the target's build system says what a change of this file does.
  [[nodiscard]] bool is_evaluated(const std::string& path) const {
    const std::string name = path.substr(path.rfind('/') + 1);
    const bool is_known = name == "Makefile" || name == "Kbuild" || name.starts_with("Kconfig");
    return rules_.evaluates_build_system && is_known &&
           std::ranges::none_of(rules_.tools, [&](std::string_view folder) { return path.starts_with(folder); });
  }

  const Base& base_;
  bool reverse_;
  unsigned fuzz_;
  std::filesystem::path root_;
  const SourceRules& rules_;
  std::string build_directory_;  // below the root; empty if it is the root
  PatchSeries series_;
  std::set<std::pair<std::string, std::string>> reported_;
};

/// Assembler sources are not C, and need no line directives: any change of theirs is refused.
std::string patched_text(const TouchedFile& file) {
  const bool is_c = file.what.kind == FileClass::kSource || file.what.kind == FileClass::kHeader ||
                    file.what.kind == FileClass::kGeneratorInput;
  return is_c && !file.is_new() ? synchronize_lines(*file.patched) : join_source(*file.patched);
}

}  // namespace

Result<PatchSeries> apply_series(const Base& base, const PairBuildOptions& options) {
  std::vector<std::filesystem::path> patches = options.patches;
  std::string all;
  std::vector<std::string> texts;
  for (const std::filesystem::path& path : patches) {
    HP_ASSIGN(std::string text, read_text_file(path, kMaxPatchSize));
    all += sha256_text(as_byte_view(text)) + "\n";
    texts.push_back(std::move(text));
  }
  SeriesApplier applier(base, options.reverse, options.fuzz);
  for (std::size_t i = 0; i < patches.size(); ++i) {
    const std::size_t at = options.reverse ? patches.size() - 1 - i : i;
    HP_TRY(applier.apply_file(patches[at], texts[at]));
  }
  PatchSeries series = std::move(applier).take();
  if (patches.size() == 1 && !options.reverse) {
    series.digest = sha256_text(as_byte_view(texts.front()));
  } else {
    series.digest = sha256_text(as_byte_view((options.reverse ? "reverse\n" : "") + all));
  }
  return series;
}

ViewEdits edits_of(const PatchSeries& series) {
  ViewEdits edits;
  for (const auto& [name, file] : series.files)
    edits.emplace(file.what.path, file.patched ? std::optional<std::string>(patched_text(file)) : std::nullopt);
  return edits;
}

}  // namespace hotpatch::buildenv

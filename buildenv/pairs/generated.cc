// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/pairs/generated.h"

#include <array>
#include <optional>
#include <utility>

#include "buildenv/pairs/compile.h"
#include "buildenv/pairs/rules.h"
#include "common/support/file.h"

namespace hotpatch::buildenv {
namespace {

constexpr std::string_view kAsmOffsets = "arch/x86/x86_64/asm-offsets.c";
constexpr std::string_view kLinkerScript = "arch/x86/xen.lds.S";

void report(Diagnostics& findings, const std::string& source, std::string text, std::string remedy) {
  findings.add({rule::kGenerated, Severity::kError, {"", "", "", source}, std::move(text), std::move(remedy)});
}

void check_public_header(const Base& base, const TouchedFile& file, Diagnostics& findings) {
  constexpr std::string_view kPublic = "include/public/";
  if (!file.what.path.starts_with(kPublic)) return;
  const std::string compat = "include/compat/" + file.what.path.substr(kPublic.size());
  std::error_code ignored;
  if (!std::filesystem::exists(base.build_path() / compat, ignored)) return;
  const std::string original = file.original.value_or("");
  const std::string patched = file.patched ? join_source(*file.patched) : "";
  if (token_text(original) == token_text(patched)) return;
  report(findings, file.what.path,
         compat + " is made from it, and other files from that: they would change, and cannot be remade",
         "a change of the interface with guests needs an update; leave it out of the patch if the fix works without it");
}

/// What the compiler makes of `source` in a view. Nothing if it does not compile: then a unit says why.
Result<std::optional<std::string>> made_from(const Base& base, const View& view, std::vector<std::string> argv) {
  const std::string product = "hotpatch-generated.out";
  argv.insert(argv.end(), {"-o", product});
  HP_ASSIGN(const Compiled compiled, run_in_view(base, view, std::move(argv), product));
  if (!compiled.ok) return std::optional<std::string>();
  HP_ASSIGN(std::string text, read_text_file(compiled.object));
  return std::optional<std::string>(std::move(text));
}

/// The lines "==>…<==" of asm-offsets.s, which are all that the header takes from it.
std::string marked_lines(std::string_view text) {
  std::string marked;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    if (line.find("==>") != std::string_view::npos) marked.append(line).append("\n");
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return marked;
}

Result<> check_asm_offsets(const Base& base, const View& original, const View& patched, Diagnostics& findings) {
  const Unit* unit = typical_unit(base);
  std::error_code ignored;
  if (unit == nullptr || !std::filesystem::exists(base.build_path() / kAsmOffsets, ignored)) return {};
  const auto offsets = [&](const View& view) {
    std::vector<std::string> argv = bare_compilation(*unit, view);
    argv.insert(argv.end(), {"-S", "-g0", std::string(kAsmOffsets)});
    return made_from(base, view, std::move(argv));
  };
  HP_ASSIGN(const std::optional<std::string> before, offsets(original));
  HP_ASSIGN(const std::optional<std::string> after, offsets(patched));
  if (before && after && marked_lines(*before) == marked_lines(*after)) return {};
  report(findings, std::string(kAsmOffsets),
         before && after
             ? "asm-offsets.h would change: the layout of a structure that assembler code uses, or a constant of it, is another"
             : "cannot be compiled in both states, so whether asm-offsets.h changes is not known",
         "keep the offsets that assembler code uses: put new members where nothing moves, or into other memory");
  return {};
}

Result<> check_linker_script(const Base& base, const View& original, const View& patched, Diagnostics& findings) {
  const Unit* unit = nullptr;
  for (const Unit& candidate : base.units)
    if (candidate.source.ends_with(".S") && !candidate.commands.empty()) unit = &candidate;
  std::error_code ignored;
  if (unit == nullptr || !std::filesystem::exists(base.build_path() / kLinkerScript, ignored)) return {};
  const auto script = [&](const View& view) {
    std::vector<std::string> argv = bare_compilation(*unit, view);
    argv.insert(argv.end(), {"-E", "-P", "-Ui386", std::string(kLinkerScript)});
    return made_from(base, view, std::move(argv));
  };
  HP_ASSIGN(const std::optional<std::string> before, script(original));
  HP_ASSIGN(const std::optional<std::string> after, script(patched));
  if (before && after && *before == *after) return {};
  report(findings, std::string(kLinkerScript), "the linker script of the hypervisor would change by a header that it includes",
         "leave constants that lay out the image as they are");
  return {};
}

}  // namespace

std::string token_text(std::string_view source) {
  std::string text;
  bool blank = false;
  const auto add = [&](std::string_view bytes) {
    if (blank && !text.empty() && text.back() != '\n') text += ' ';
    blank = false;
    text += bytes;
  };
  for (std::size_t i = 0; i < source.size(); ++i) {
    const char byte = source[i];
    if (source.substr(i).starts_with("/*")) {
      const std::size_t end = source.find("*/", i + 2);
      i = end == std::string_view::npos ? source.size() : end + 1;
      blank = true;
    } else if (source.substr(i).starts_with("//")) {
      i = std::min(source.find('\n', i), source.size()) - 1;
    } else if (source.substr(i).starts_with("\\\n")) {
      ++i;
      blank = true;
    } else if (byte == '"' || byte == '\'') {
      std::size_t end = i + 1;
      while (end < source.size() && source[end] != byte && source[end] != '\n') end += source[end] == '\\' ? 2U : 1U;
      end = std::min(end, source.size() - 1);
      add(source.substr(i, end + 1 - i));
      i = end;
    } else if (byte == '\n') {
      if (!text.empty() && text.back() != '\n') text += '\n';
      blank = false;
    } else if (byte == ' ' || byte == '\t' || byte == '\r' || byte == '\f' || byte == '\v') {
      blank = true;
    } else {
      add(source.substr(i, 1));
    }
  }
  return text;
}

Result<> check_generated(const Base& base, const PatchSeries& series, const View& original, const View& patched,
                         Diagnostics& findings) {
  if (base.target != "xen") return {};
  bool has_header = false;
  for (const auto& [name, file] : series.files) {
    if (file.what.kind == FileClass::kGeneratorInput) {
      report(findings, file.what.path, "the build makes other files from it, which would change and cannot be remade",
             "leave the file out of the patch if the fix works without it");
    } else {
      check_public_header(base, file, findings);
    }
    has_header = has_header || file.what.kind == FileClass::kHeader || file.what.path == kAsmOffsets;
  }
  if (!has_header) return {};
  HP_TRY(check_asm_offsets(base, original, patched, findings));
  return check_linker_script(base, original, patched, findings);
}

}  // namespace hotpatch::buildenv

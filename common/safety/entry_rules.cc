// SPDX-License-Identifier: GPL-2.0-or-later
//
// Where the splice is written: the first bytes of a function, which nothing but a call of the function may ever enter.
#include <algorithm>
#include <array>
#include <cstddef>

#include "common/safety/rules.h"

namespace hotpatch::safety {
namespace {

using diff::Entity;
using diff::EntityIndex;

constexpr std::array<std::byte, 4> kEndbr64 = {std::byte{0xf3}, std::byte{0x0f}, std::byte{0x1e}, std::byte{0xfa}};

/// The bytes that the splice overwrites, from the function's start. Empty where the target redirects calls by other means.
struct Window {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  /// An entry at its very first byte is as good as a call.
  [[nodiscard]] bool is_cut_by(std::int64_t offset) const noexcept {
    return offset > static_cast<std::int64_t>(begin) && offset < static_cast<std::int64_t>(end);
  }
};

Window window_of(const diff::ObjectModel& model, const Entity& function) {
  const target::Profile& profile = model.profile();
  if (!profile.entry_sections.empty() || !profile.entry_calls.empty()) return {};
  const ByteView code = model.contents(function);
  const bool has_endbr = code.size() >= kEndbr64.size() && std::ranges::equal(code.first(kEndbr64.size()), kEndbr64);
  const std::uint64_t begin = has_endbr ? kEndbr64.size() : 0;
  return {begin, begin + profile.splice_size};
}

std::string window_text(const Window& window) {
  return "bytes " + std::to_string(window.begin) + " to " + std::to_string(window.end - 1) + " of the running function";
}

constexpr const char* kRemedy = "leave the function as it is, and change its callers or what it calls";

}  // namespace

void find_entry_targets(const Subject& subject, Report& report) {
  for (const auto& [before, after] : subject.spliced()) {
    const Entity& function = subject.original.entity(before);
    const Window window = window_of(subject.original, function);
    for (const target::Instruction& instruction : function.instructions) {
      const bool has_relocation = std::ranges::any_of(function.references, [&](const diff::Reference& reference) {
        return reference.is_branch && reference.offset >= instruction.offset && reference.offset < instruction.end();
      });
      if (!instruction.target || has_relocation || !window.is_cut_by(*instruction.target)) continue;
      report.add(subject.original, before,
                 "the branch at +" + hex(instruction.offset) + " leads to +" +
                     hex(static_cast<std::uint64_t>(*instruction.target)) + ", in the middle of the jump that is written over " +
                     window_text(window),
                 kRemedy, instruction.offset);
      break;
    }
  }
}

void find_inner_labels(const Subject& subject, Report& report) {
  const diff::ObjectModel& model = subject.original;
  for (const auto& [before, after] : subject.spliced()) {
    const Entity& function = model.entity(before);
    const Window window = window_of(model, function);
    if (window.end == 0) continue;
    for (const elf::Symbol& symbol : model.object().symbols()) {
      if (!symbol.is_defined_in(function.section) || symbol.name.empty() || symbol.name.starts_with(".L")) continue;
      if (!window.is_cut_by(static_cast<std::int64_t>(symbol.value - function.offset))) continue;
      report.add(model, before,
                 "the symbol " + std::string(symbol.name) + " lies at +" + hex(symbol.value - function.offset) + ", amid " +
                     window_text(window) + ", over which a jump is written: whatever enters there runs half of it",
                 kRemedy, symbol.value - function.offset);
    }
    for (const Entity& user : model.entities())
      for (const diff::Reference& reference : user.references)
        if (reference.target.entity == before && window.is_cut_by(reference.target.offset))
          report.add(model, before,
                     std::string(user.name.empty() ? "data" : user.name) + " holds the address +" +
                         hex(static_cast<std::uint64_t>(reference.target.offset)) + ", amid " + window_text(window) +
                         ", over which a jump is written",
                     kRemedy);
  }
}

void find_patching_path(const Subject& subject, Report& report) {
  for (const auto& [before, after] : subject.spliced()) {
    const Entity& function = subject.original.entity(before);
    if (target::is_listed(subject.profile().patching_path, function.name))
      report.add(subject.original, before,
                 "runs while the target patches itself, or in a context that it cannot hold off meanwhile: a CPU may be in the "
                 "middle of it",
                 "change a function that this one does not need");
  }
}

}  // namespace hotpatch::safety

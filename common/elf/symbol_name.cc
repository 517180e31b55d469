// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/elf/symbol_name.h"

#include <algorithm>
#include <array>

namespace hotpatch::elf {
namespace {

bool is_number(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

/// GCC's clone_function_name() suffixes, and the HASH of ThinLTO's promoted locals.
bool is_clone_kind(std::string_view text) {
  constexpr std::array<std::string_view, 8> kKinds = {"constprop",  "isra",     "part", "cold",
                                                      "localalias", "lto_priv", "hot",  "llvm"};
  return std::ranges::find(kKinds, text) != kKinds.end();
}

}  // namespace

SymbolName split_symbol_name(std::string_view name) {
  SymbolName split{.base = name, .stem = std::string(name)};
  std::size_t dot = name.find('.', 1);
  while (dot != std::string_view::npos) {
    const std::size_t next = name.find('.', dot + 1);
    const std::string_view part = name.substr(dot + 1, next == std::string_view::npos ? next : next - dot - 1);
    const bool is_suffix = is_number(part) || is_clone_kind(part);
    if (!split.stem_differs && is_suffix && name.front() != '.') {
      split.base = name.substr(0, dot);
      split.stem = split.base;
      split.stem_differs = true;
    }
    if (split.stem_differs && !is_number(part)) split.stem += "." + std::string(part);
    if (!is_suffix && split.stem_differs) return {.base = name, .stem = std::string(name)};
    dot = next;
  }
  if (split.stem_differs && split.stem == split.base)
    split.stem += ".#";  // "state.5" is never paired with a plain "state" by stem
  return split;
}

std::string_view variable_name(std::string_view name) noexcept {
  const std::size_t last = name.find_last_not_of("0123456789");
  if (last != std::string_view::npos && name[last] == '.' && last + 1 < name.size()) name = name.substr(0, last);
  return name.substr(name.rfind('.') + 1);
}

}  // namespace hotpatch::elf

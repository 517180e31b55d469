// SPDX-License-Identifier: GPL-2.0-or-later
//
// Names that compilers make: "f.constprop.0", "f.part.2.isra.1", "f.cold", "state.5", "__func__.12". The numbers change with every
// recompilation, so the stem is a hint for pairing and never an identity.
#pragma once

#include <string>
#include <string_view>

namespace hotpatch::elf {

struct SymbolName {
  std::string_view base;  // "f"
  std::string stem;       // with the kinds of clone but without numbers: "f.part.isra"; equal to base if there is no suffix
  [[nodiscard]] bool is_compiler_made() const noexcept { return stem_differs; }
  bool stem_differs = false;
};

/// Splits at the first dot that starts a compiler's suffix. A name like ".LC0" or "a.b" stays whole.
[[nodiscard]] SymbolName split_symbol_name(std::string_view name);

/// "hits" of "hits.0" and of clang's "f.hits": what a static variable would be called if it were not one of a function.
[[nodiscard]] std::string_view variable_name(std::string_view name) noexcept;

}  // namespace hotpatch::elf

// SPDX-License-Identifier: GPL-2.0-or-later
//
// Runs the recorded commands of units in a view of the source.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "buildenv/base.h"
#include "buildenv/pairs/view.h"
#include "common/support/result.h"

namespace hotpatch::buildenv {

struct Compiled {
  bool ok = false;
  std::filesystem::path object;  // in the view
  std::string errors;            // what the failed command wrote
};

[[nodiscard]] bool is_c_source(std::string_view path) noexcept;

enum class DebugInfo : std::uint8_t { kNone, kTypesAndLines };

/// Runs the unit's commands in the view's build directory, the compilation of a C source with `debug` information added (and nothing
/// that changes the code). An outcome that is not ok is the compiler's refusal; an Error is a program that cannot be run.
/// Calls for units with different sources may run at the same time.
Result<Compiled> compile_unit(const Base& base, const Unit& unit, const View& view, DebugInfo debug = DebugInfo::kTypesAndLines);

/// A unit whose compilation is typical of the base: what is compiled besides the recorded units is compiled as this one. Null if the
/// base has no unit of C.
[[nodiscard]] const Unit* typical_unit(const Base& base);

/// The recorded compilation of `unit` with its source, its products and the mode of the compiler (-c, -S) taken out.
[[nodiscard]] std::vector<std::string> bare_compilation(const Unit& unit, const View& view);

/// Runs one command in the view's build directory with the environment of the base's build. `product` is the file that it makes,
/// relative to the build directory.
Result<Compiled> run_in_view(const Base& base, const View& view, std::vector<std::string> argv, const std::string& product);

/// The first lines of a compiler's messages, indented; the view's path is taken out.
[[nodiscard]] std::string first_messages(const std::string& errors, const View& view);

}  // namespace hotpatch::buildenv

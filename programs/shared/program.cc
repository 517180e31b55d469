// SPDX-License-Identifier: GPL-2.0-or-later
#include "programs/shared/program.h"

#include <algorithm>
#include <exception>
#include <iostream>
#include <new>
#include <string_view>

namespace hotpatch::cli {

int run_program(const char* program, const std::function<ExitCode()>& body) {
  try {
    return static_cast<int>(body());
  } catch (const std::bad_alloc&) {
    std::cerr << program << ": out of memory\n";
    return static_cast<int>(ExitCode::kError);
  } catch (const std::exception& error) {
    std::cerr << program << ": internal error: " << error.what() << '\n';
    return static_cast<int>(ExitCode::kInternal);
  }
}

bool asks_for_json(int argc, const char* const* argv) {
  return std::any_of(argv + 1, argv + argc, [](const char* argument) { return std::string_view(argument) == "--json"; });
}

}  // namespace hotpatch::cli

// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the functions of one translation unit do, for the rules of safety: flow graphs of events (writes, calls, conditions, returns) in the
// order in which they happen.
#pragma once

#include <clang/AST/ASTContext.h>
#include <nlohmann/json.hpp>

namespace hotpatch::syntax {

/// "functions" and "pairs" of the document: all functions of the main file, and those of headers that they come to by calls.
void write_facts(clang::ASTContext& context, nlohmann::json& document);

}  // namespace hotpatch::syntax

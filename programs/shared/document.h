// SPDX-License-Identifier: GPL-2.0-or-later
//
// The JSON documents on standard output, as far as they are the same for all programs. docs/cli.md says what may change in them.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "common/support/result.h"

namespace hotpatch::cli {

/// JSON documents keep the order in which their members were set: the important ones first.
using Json = nlohmann::ordered_json;

/// What a document says of an error: {"code", "message", "remedy", "errno", "exit_code"}, the third and fourth where there is one.
[[nodiscard]] Json error_json(const Error& error);
void add_warnings(Json& document, const std::vector<std::string>& warnings);

/// The document as a file holds it. Bytes that are not UTF-8 are replaced: names of symbols may be anything.
[[nodiscard]] std::string document_text(const Json& document);
/// Writes the document, and nothing else, to standard output.
void print_document(const Json& document);

}  // namespace hotpatch::cli

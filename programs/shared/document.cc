// SPDX-License-Identifier: GPL-2.0-or-later
#include "programs/shared/document.h"

#include <iostream>

#include "common/support/exit_code.h"

namespace hotpatch::cli {

Json error_json(const Error& error) {
  Json made;
  made["code"] = errc_name(error.code());
  made["message"] = error.message();
  if (!error.remedy().empty()) made["remedy"] = error.remedy();
  if (error.os_error() != 0) made["errno"] = error.os_error();
  made["exit_code"] = static_cast<int>(exit_code(error.code()));
  return made;
}

void add_warnings(Json& document, const std::vector<std::string>& warnings) {
  if (!warnings.empty()) document["warnings"] = warnings;
}

std::string document_text(const Json& document) { return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"; }

void print_document(const Json& document) { std::cout << document_text(document); }

}  // namespace hotpatch::cli

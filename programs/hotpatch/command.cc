// SPDX-License-Identifier: GPL-2.0-or-later
#include "programs/hotpatch/command.h"

#include <iostream>

namespace hotpatch::cli {

Json make_document(const char* command) {
  Json document;
  document["schema"] = kSchema;
  document["command"] = command;
  return document;
}

void print_document(const Json& document) { std::cout << document.dump(2, ' ', false, Json::error_handler_t::replace) << '\n'; }

void add_json_option(CLI::App& command, Chosen& chosen) {
  command.add_flag("--json", chosen.json, "write one JSON document to standard output");
}

}  // namespace hotpatch::cli

// SPDX-License-Identifier: GPL-2.0-or-later
#include "programs/hotpatch/cmd_relocate.h"

#include <iostream>
#include <memory>

#include "common/support/file.h"
#include "programs/hotpatch/report.h"
#include "xen/payload/payload.h"
#include "xen/relocate/relocate.h"

namespace hotpatch::cli {
namespace {

struct RelocateOptions {
  std::string payload;
  std::string at;
  std::string output;
};

Result<ExitCode> run_relocate(const RelocateOptions& options, bool json) {
  HP_ASSIGN(const TargetAddr address, read_load_address(options.at));
  HP_ASSIGN(Bytes file, read_file(options.payload, xen::kMaxPayloadSize));
  HP_ASSIGN(const elf::Object payload, elf::parse_object(std::move(file), options.payload));
  HP_ASSIGN(const xen::PlacedImage linked, xen::link_for(payload, address));
  HP_TRY(write_file(options.output, linked.file));
  if (json) {
    Json document = make_document("relocate");
    document["load_address"] = hex(address.value());
    document["applied"] = linked.applied;
    Json& kept = document["kept"] = Json::array();
    for (const xen::KeptRelocation& one : linked.kept)
      kept.push_back({{"section", one.section}, {"offset", one.offset}, {"why", one.why}});
    document["output"] = options.output;
    print_document(document);
    return ExitCode::kDone;
  }
  std::cout << "linked for " << hex(address.value()) << ": " << linked.applied << " relocations applied, " << linked.kept.size()
            << " left to Xen\n";
  for (const xen::KeptRelocation& one : linked.kept)
    std::cout << "  left " << one.section << "+" << hex(one.offset) << ": " << one.why << "\n";
  return ExitCode::kDone;
}

}  // namespace

void add_relocate_command(CLI::App& app, Chosen& chosen) {
  CLI::App* command =
      app.add_subcommand("relocate", "make the image of a payload for one load address, as xen-hotpatch does on the host");
  const auto options = std::make_shared<RelocateOptions>();
  command->add_option("PAYLOAD", options->payload, "relocatable payload, as hotpatch build made it")->required();
  command->add_option("--at", options->at, "load address, hexadecimal; xen-hotpatch show tells that of a loaded payload")
      ->required();
  command->add_option("--output", options->output, "file to write")->required();
  add_json_option(*command, chosen);
  command->callback([options, &chosen] { chosen.run = [options, &chosen] { return run_relocate(*options, chosen.json); }; });
}

}  // namespace hotpatch::cli

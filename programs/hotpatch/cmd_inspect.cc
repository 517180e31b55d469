// SPDX-License-Identifier: GPL-2.0-or-later
#include "programs/hotpatch/cmd_inspect.h"

#include <iostream>
#include <memory>

#include "buildenv/base.h"
#include "common/elf/image.h"
#include "common/support/digest.h"
#include "common/support/file.h"
#include "programs/hotpatch/pages.h"
#include "programs/hotpatch/report.h"
#include "xen/payload/payload.h"

namespace hotpatch::cli {
namespace {

Json to_json(const xen::PayloadInfo& payload, const std::string& digest) {
  Json document = make_document("inspect");
  document["name"] = payload.name;
  document["sha256"] = digest;
  document["size"] = payload.file_size;
  document["build_id"] = payload.build_id.text();
  document["depends"] = payload.depends.text();
  document["xen_depends"] = payload.xen_depends.text();
  document["pages"] = payload.layout.pages;
  document["reappliable"] = payload.reappliable;
  document["replaceable"] = payload.replaceable;
  Json& functions = document["functions"] = Json::array();
  for (const xen::PayloadFunction& function : payload.functions) {
    Json entry;
    entry["name"] = function.name;
    entry["old_address"] = hex(function.old_addr.value());
    entry["old_size"] = function.old_size;
    entry["new_size"] = function.new_size;
    entry["nops"] = !function.new_place;
    entry["expect"] = function.expect ? hex_bytes(*function.expect, '\0') : std::string();
    functions.push_back(std::move(entry));
  }
  Json& hooks = document["hooks"] = Json::array();
  for (const xen::PayloadHook& hook : payload.hooks)
    hooks.push_back({{"kind", xen::hook_name(hook.kind)}, {"count", hook.count}});
  Json& metadata = document["metadata"] = Json::object();
  for (const auto& [key, value] : payload.metadata.entries) metadata[key] = value;
  return document;
}

void print_text(const xen::PayloadInfo& payload, const std::string& digest) {
  std::cout << "payload     " << payload.name << " (" << payload.file_size << " bytes, " << payload.layout.pages
            << " pages in Xen)\n"
            << "sha256      " << digest << "\n"
            << "build ID    " << payload.build_id.text() << "\n"
            << "for Xen     " << payload.xen_depends.text() << "\n"
            << "on top of   " << (payload.depends == payload.xen_depends ? "Xen itself" : payload.depends.text()) << "\n";
  for (const auto& [key, value] : payload.metadata.entries) std::cout << "metadata    " << key << " = " << value << "\n";
  for (const xen::PayloadFunction& function : payload.functions)
    std::cout << (function.new_place ? "splices     " : "NOPs        ") << function.name << " at "
              << hex(function.old_addr.value()) << ": " << function.new_size << " bytes"
              << (function.new_place ? " for " + std::to_string(function.old_size) : " taken away")
              << (function.expect ? ", expects " + hex_bytes(*function.expect) : ", expects nothing") << "\n";
  for (const xen::PayloadHook& hook : payload.hooks)
    std::cout << "hook        " << xen::hook_name(hook.kind) << " × " << hook.count << "\n";
  std::cout << (payload.reappliable ? "can" : "cannot") << " be applied again after a revert without a new upload\n"
            << (payload.replaceable ? "can" : "cannot") << " take part in a replace\n";
}

struct InspectOptions {
  std::string payload;
  std::string html;
  std::string base;
};

Result<> write_page(const InspectOptions& options, const elf::Object& object, const xen::PayloadInfo& payload,
                    const std::string& digest) {
  std::optional<elf::Image> image;
  if (!options.base.empty()) {
    HP_ASSIGN(const buildenv::Base base, buildenv::load_base(options.base));
    if (base.build_id != payload.xen_depends)
      return fail(Errc::kTrust, options.payload + ": is for Xen " + payload.xen_depends.text() + ", not for the base's " +
                                    base.build_id.text());
    HP_ASSIGN(elf::Object image_object, elf::read_object(base.symbols_path()));
    HP_ASSIGN(image, elf::Image::make(std::move(image_object)));
  }
  HP_ASSIGN(target::Decoder decoder, target::Decoder::make());
  const std::vector<SideBySide> listings = list_payload(object, payload, image ? &*image : nullptr, decoder);
  return write_file(options.html, payload_page(payload, digest, listings));
}

Result<ExitCode> run_inspect(const InspectOptions& options, bool json) {
  if (options.html.empty() && !options.base.empty()) return fail(Errc::kUsage, "--base is for --html");
  HP_ASSIGN(Bytes file, read_file(options.payload, xen::kMaxPayloadSize));
  const std::string digest = sha256_text(file);
  HP_ASSIGN(const xen::PayloadInfo payload, xen::read_payload(Bytes(file), options.payload));
  if (!options.html.empty()) {
    HP_ASSIGN(const elf::Object object, elf::parse_object(std::move(file), options.payload));
    HP_TRY(write_page(options, object, payload, digest));
  }
  if (json) {
    print_document(to_json(payload, digest));
  } else {
    print_text(payload, digest);
  }
  return ExitCode::kDone;
}

}  // namespace

void add_inspect_command(CLI::App& app, Chosen& chosen) {
  CLI::App* command = app.add_subcommand("inspect", "show what a payload says about itself");
  const auto options = std::make_shared<InspectOptions>();
  command->add_option("FILE", options->payload, "a payload")->required();
  command->add_option("--html", options->html, "write a page with the payload's code");
  command->add_option("--base", options->base,
                      "base of the hypervisor that the payload is for: the page shows its code beside the new");
  add_json_option(*command, chosen);
  command->callback([options, &chosen] { chosen.run = [options, &chosen] { return run_inspect(*options, chosen.json); }; });
}

}  // namespace hotpatch::cli

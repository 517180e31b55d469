// SPDX-License-Identifier: GPL-2.0-or-later
#include "programs/hotpatch/cmd_check.h"

#include <algorithm>
#include <iostream>
#include <memory>

#include "buildenv/base.h"
#include "common/elf/image.h"
#include "common/support/digest.h"
#include "common/support/file.h"
#include "common/support/manifest.h"
#include "programs/hotpatch/kernel_check.h"
#include "programs/hotpatch/papers.h"
#include "programs/hotpatch/report.h"
#include "xen/check/check.h"
#include "xen/payload/payload.h"

namespace hotpatch::cli {
namespace {

struct CheckOptions {
  std::string payload;
  std::string base;
  std::string at;
  Papers papers;
};

Json describe(const xen::Answer& answer) {
  Json member;
  member["response"] = xen::response_name(answer.response);
  if (answer.error != 0) {
    member["errno"] = -answer.error;
    member["errno_name"] = answer.error_name;
  }
  if (!answer.step.empty()) member["step"] = answer.step;
  if (!answer.reason.empty()) member["reason"] = answer.reason;
  if (!answer.place.empty()) member["place"] = answer.place;
  return member;
}

Json describe(const xen::CheckReport& report) {
  Json document = make_document("check");
  document["verdict"] = xen::verdict_name(report.verdict);
  document["upload"] = describe(report.upload);
  document["apply"] = describe(report.apply);
  document["build_id"] = report.build_id.text();
  document["depends"] = report.depends.text();
  document["xen_depends"] = report.xen_depends.text();
  document["load_address"] = hex(report.load_address.value());
  document["text_size"] = report.text_size;
  document["writable_size"] = report.rw_size;
  document["read_only_size"] = report.ro_size;
  document["reappliable"] = report.reappliable;
  Json functions = Json::array();
  for (const xen::CheckedFunction& function : report.functions) {
    functions.push_back({{"name", function.name},
                         {"old_address", hex(function.old_addr.value())},
                         {"old_size", function.old_size},
                         {"new_address", hex(function.new_addr.value())},
                         {"new_size", function.new_size},
                         {"expected_bytes", function.expect_length}});
  }
  document["functions"] = std::move(functions);
  document["findings"] = to_json(report.findings);
  document["exit_code"] = static_cast<int>(report.exit_code());
  return document;
}

/// Of a payload that cannot be read there are no papers: the check says what is wrong with it.
PaperTrail trail_of(const Bytes& payload, const buildenv::Base& base) {
  PaperTrail trail{
      .sha256 = sha256_text(payload), .base = base.build_id, .report_digest = {}, .discharges = {}, .stays_loaded = false};
  const auto info = xen::read_payload(Bytes(payload), "payload");
  if (!info) return trail;
  trail.report_digest = std::string(info->metadata.find(xen::kReportKey).value_or(""));
  trail.stays_loaded = read_manifest(info->metadata.entries, "").value_or(Manifest()).stays_loaded;
  const std::string all(info->metadata.find(xen::kDischargesKey).value_or(""));
  for (std::size_t at = 0; at < all.size();) {
    const std::size_t end = std::min(all.find("; ", at), all.size());
    trail.discharges.push_back(all.substr(at, end - at));
    at = end + 2;
  }
  return trail;
}

Result<ExitCode> run_check(const CheckOptions& options, bool json) {
  HP_ASSIGN(const buildenv::Base base, buildenv::load_base(options.base));
  if (base.kernel && !options.at.empty()) return fail(Errc::kUsage, "check: --at is for bases of Xen");
  if (base.kernel) return check_kernel_module(base, options.payload, options.papers, json);
  HP_ASSIGN(elf::Object object, elf::read_object(base.symbols_path()));
  HP_ASSIGN(const elf::Image image, elf::Image::make(std::move(object)));
  HP_ASSIGN(const xen::Hypervisor hypervisor, xen::Hypervisor::make(image));
  HP_ASSIGN(const Bytes payload, read_file(options.payload));
  std::optional<TargetAddr> load_address;
  if (!options.at.empty()) {
    HP_ASSIGN(load_address, read_load_address(options.at));
  }
  HP_ASSIGN(xen::CheckReport report, xen::check_payload(payload, hypervisor, load_address));
  Json document;
  HP_TRY(check_papers(options.papers, trail_of(payload, base), report.findings, document));
  if (json) {
    Json described = describe(report);
    described.update(document);
    print_document(described);
  } else {
    std::cout << xen::report_text(report);
    if (document.contains("report")) std::cout << "the report is this payload's: " << document["report"].dump() << '\n';
  }
  return report.exit_code();
}

}  // namespace

void add_check_command(CLI::App& app, Chosen& chosen) {
  CLI::App* command =
      app.add_subcommand("check", "say what Xen's or Linux's loader would answer to a payload, and what it would not notice");
  const auto options = std::make_shared<CheckOptions>();
  command->add_option("PAYLOAD", options->payload, "payload of whatever origin, or livepatch module of ours")->required();
  command->add_option("--base", options->base, "base of the hypervisor or kernel that is meant to load it")->required();
  command->add_option("--at", options->at, "load address to assume, hexadecimal; by default the first that Xen hands out");
  command->add_option("--report", options->papers.report,
                      "the report of its build: it must be the one whose digest the file holds");
  command->add_option("--record", options->papers.record, "the record of its trial, by hotpatch try: hooks were tried");
  add_json_option(*command, chosen);
  command->callback([options, &chosen] { chosen.run = [options, &chosen] { return run_check(*options, chosen.json); }; });
}

}  // namespace hotpatch::cli

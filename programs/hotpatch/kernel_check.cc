// SPDX-License-Identifier: GPL-2.0-or-later
#include "programs/hotpatch/kernel_check.h"

#include <iostream>
#include <memory>

#include "buildenv/linux/stock.h"
#include "common/support/digest.h"
#include "common/support/file.h"
#include "linux/check/check.h"
#include "programs/hotpatch/kernel_module.h"
#include "programs/hotpatch/report.h"

namespace hotpatch::cli {
namespace {

Json describe(const kernel::ModuleCheck& check, ExitCode code) {
  Json document = make_document("check");
  document["verdict"] = code == ExitCode::kDone ? "accepted" : "refused";
  Json& info = document["modinfo"] = Json::array();
  for (const auto& [key, value] : check.info) info.push_back({{"key", key}, {"value", value}});
  Json& functions = document["functions"] = Json::array();
  for (const kernel::CheckedFunction& function : check.functions)
    functions.push_back({{"name", function.name},
                         {"owner", function.object},
                         {"position", function.position},
                         {"old_address", hex(function.old_address.value())},
                         {"new_offset", function.new_offset}});
  Json& relocations = document["livepatch_relocations"] = Json::array();
  for (const kernel::ResolvedRelocation& relocation : check.relocations)
    relocations.push_back({{"section", relocation.section},
                           {"offset", relocation.offset},
                           {"applied_for", relocation.object},
                           {"symbol", relocation.symbol},
                           {"address", hex(relocation.address.value())}});
  document["table_records"] = check.table_records;
  document["findings"] = to_json(check.findings);
  document["exit_code"] = static_cast<int>(code);
  return document;
}

}  // namespace

Result<ExitCode> check_kernel_module(const buildenv::Base& base, const std::string& file, const Papers& papers, bool json) {
  HP_ASSIGN(const Bytes module, read_file(file));
  HP_ASSIGN(const buildenv::UnitIndex index, buildenv::read_unit_index(base.directory / "index"));
  HP_ASSIGN(const std::unique_ptr<buildenv::StockKernel> stock, buildenv::StockKernel::open(base, index));
  HP_ASSIGN(const kernel::Exports exports, read_exports(base));
  HP_ASSIGN_DOING(file, kernel::ModuleCheck check,
                  kernel::check_module(module, check_target(target_kernel(base, index, *stock, exports))));
  const bool is_for_another = value_of(check.info, kernel::kBuildIdKey) != base.build_id.text();
  const ExitCode code = is_for_another ? ExitCode::kTrust : check.findings.has_errors() ? ExitCode::kRejected : ExitCode::kDone;
  PaperTrail trail{
      .sha256 = sha256_text(module), .base = base.build_id, .report_digest = {}, .discharges = {}, .stays_loaded = false};
  trail.report_digest = std::string(value_of(check.info, kernel::kReportKey).value_or(""));
  trail.stays_loaded = value_of(check.info, kernel::payload::kUnloadKey) == kernel::payload::kNever;
  for (const auto& [key, value] : check.info)
    if (key == kernel::kDischargesKey) trail.discharges.push_back(value);
  Json document;
  HP_TRY(check_papers(papers, trail, check.findings, document));
  if (json) {
    Json described = describe(check, code);
    described.update(document);
    print_document(described);
    return code;
  }
  std::cout << check.findings.text();
  for (const kernel::CheckedFunction& function : check.functions)
    std::cout << "replaces " << function.name << " of " << function.object << " at " << hex(function.old_address.value()) << '\n';
  std::cout << check.relocations.size() << " livepatch relocations lead to symbols of this kernel, " << check.table_records
            << " records of side tables to code of their kind\n"
            << (code == ExitCode::kDone ? "the kernel would load it\n" : "refused\n");
  return code;
}

}  // namespace hotpatch::cli

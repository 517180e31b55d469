// SPDX-License-Identifier: GPL-2.0-or-later
#include "programs/hotpatch/build_page.h"

#include "common/support/digest.h"
#include "linux/profile/profile.h"
#include "programs/hotpatch/pages.h"
#include "xen/profile/profile.h"

namespace hotpatch::cli {
namespace {

void add_discharges(const std::vector<safety::Discharge>& discharges, BuildPage& page) {
  for (const safety::Discharge& one : discharges)
    page.hooks.push_back({one.rule + " of " + one.symbol + ": " + one.apply + " makes up for it, and " + one.revert +
                              " takes that back; not tried at the time of the build",
                          one.source});
}

}  // namespace

std::string page_of(const BuildProduct& product, const std::string& verdict) {
  BuildPage page{.name = product.name,
                 .verdict = verdict,
                 .findings = product.findings,
                 .assessment = product.assessment,
                 .provided = xen::profile().consistency,
                 .units = product.units,
                 .about = {},
                 .spliced = {},
                 .hooks = {},
                 .digests = {}};
  page.about = {{"base", product.base.description}, {"proof", buildenv::grade_name(product.base.grade)}};
  for (const std::string& fix : product.fixes) page.about.push_back({"fixes", fix});
  for (const buildenv::ChangedFile& file : product.pairs.changed) page.about.push_back({"changed file", file.path});
  for (const UnitPatch& unit : product.units)
    for (const extract::Block& block : unit.object.blocks)
      if (block.kind == extract::BlockKind::kHooks) page.hooks.push_back({block.section, unit.unit});
  page.digests = {{"the source patch (sha256)", product.pairs.patch_sha256},
                  {"the base's hypervisor (build ID)", product.base.build_id.text()},
                  {"the base's image (sha256)", product.base.image_sha256}};
  add_discharges(product.discharges, page);
  if (!product.payload) return build_page(page);
  for (const xen::LinkedFunction& function : product.payload->report.functions)
    page.spliced.push_back({function.name, function.unit, hex(function.old_addr.value()), std::to_string(function.old_size),
                            std::to_string(function.new_size)});
  for (const xen::LinkedNops& one : product.payload->report.nops)
    page.spliced.push_back({one.name, "NOPs, no new code", hex(one.address.value()), std::to_string(one.size), "0"});
  page.digests.push_back({"the report, as in the payload (sha256)", product.report_digest});
  page.digests.push_back({"the payload (build ID)", product.payload->report.build_id.text()});
  page.digests.push_back({"the payload (sha256)", sha256_text(product.payload->file)});
  return build_page(page);
}

std::string page_of(const KernelBuildProduct& product, const std::string& verdict, const std::string& name,
                    const std::vector<std::filesystem::path>& hooks) {
  BuildPage page{.name = name,
                 .verdict = verdict,
                 .findings = product.findings,
                 .assessment = product.assessment,
                 .provided = kernel::profile().consistency,
                 .units = product.units,
                 .about = {},
                 .spliced = {},
                 .hooks = {},
                 .digests = {}};
  page.about = {{"base", product.base.description},
                {"release", product.base.kernel->release},
                {"proof", buildenv::grade_name(product.base.grade)},
                {"code shown", "as it is compiled to be loaded, without tail calls and parts out of line"}};
  for (const std::string& fix : product.fixes) page.about.push_back({"fixes", fix});
  for (const buildenv::ChangedFile& file : product.pairs.changed) page.about.push_back({"changed file", file.path});
  page.digests = {{"the source patch (sha256)", product.pairs.patch_sha256},
                  {"the base's kernel (build ID)", product.base.build_id.text()},
                  {"the base's image (sha256)", product.base.image_sha256}};
  if (!product.certificate.empty())
    page.digests.push_back({"the certificate of the proof (sha256)", sha256_text(as_byte_view(product.certificate))});
  add_discharges(product.discharges, page);
  if (!product.module) return build_page(page);
  for (const std::filesystem::path& file : hooks) page.hooks.push_back({"callbacks", file.filename().string()});
  for (const kernel::ModuleFunction& function : product.module->report.functions)
    page.spliced.push_back({function.name, function.owner + ": " + function.unit, hex(function.old_addr.value()),
                            std::to_string(function.old_size), std::to_string(function.new_size)});
  page.digests.push_back({"the report, as in the module (sha256)", product.report_digest});
  page.digests.push_back({"the module (build ID)", product.module->report.build_id.text()});
  page.digests.push_back({"the module (sha256)", sha256_text(product.module->file)});
  return build_page(page);
}

}  // namespace hotpatch::cli

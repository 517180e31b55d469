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

/// What both backends say alike. Product is a BuildProduct or a KernelBuildProduct; `target` names what the base is of.
template <typename Product>
BuildPage begin_page(const Product& product, const std::string& name, const std::string& verdict, const target::Profile& profile,
                     const std::string& target) {
  BuildPage page{.name = name,
                 .verdict = verdict,
                 .findings = product.findings,
                 .assessment = product.assessment,
                 .provided = profile.consistency,
                 .units = product.units,
                 .about = {{"base", product.base.description}, {"proof", buildenv::grade_name(product.base.grade)}},
                 .spliced = {},
                 .hooks = {},
                 .digests = {{"the source patch (sha256)", product.pairs.patch_sha256},
                             {"the base's " + target + " (build ID)", product.base.build_id.text()},
                             {"the base's image (sha256)", product.base.image_sha256}}};
  for (const std::string& fix : product.fixes) page.about.push_back({"fixes", fix});
  for (const buildenv::ChangedFile& file : product.pairs.changed) page.about.push_back({"changed file", file.path});
  add_discharges(product.discharges, page);
  return page;
}

/// Linked is what was made of the patch: the payload, or the module, as `what` says.
template <typename Linked>
void add_digests(const Linked& linked, const std::string& what, const std::string& report_digest, BuildPage& page) {
  page.digests.push_back({"the report, as in the " + what + " (sha256)", report_digest});
  page.digests.push_back({"the " + what + " (build ID)", linked.report.build_id.text()});
  page.digests.push_back({"the " + what + " (sha256)", sha256_text(linked.file)});
}

}  // namespace

std::string page_of(const BuildProduct& product, const std::string& verdict) {
  BuildPage page = begin_page(product, product.name, verdict, xen::profile(), "hypervisor");
  for (const UnitPatch& unit : product.units)
    for (const extract::Block& block : unit.object.blocks)
      if (block.kind == extract::BlockKind::kHooks) page.hooks.push_back({block.section, unit.unit});
  if (!product.payload) return build_page(page);
  for (const xen::LinkedFunction& function : product.payload->report.functions)
    page.spliced.push_back({function.name, function.unit, hex(function.old_addr.value()), std::to_string(function.old_size),
                            std::to_string(function.new_size)});
  for (const xen::LinkedNops& one : product.payload->report.nops)
    page.spliced.push_back({one.name, "NOPs, no new code", hex(one.address.value()), std::to_string(one.size), "0"});
  add_digests(*product.payload, "payload", product.report_digest, page);
  return build_page(page);
}

std::string page_of(const KernelBuildProduct& product, const std::string& verdict, const std::string& name,
                    const std::vector<std::filesystem::path>& hooks) {
  BuildPage page = begin_page(product, name, verdict, kernel::profile(), "kernel");
  page.about.push_back({"release", product.base.kernel->release});
  page.about.push_back({"code shown", "as it is compiled to be loaded, without tail calls and parts out of line"});
  if (!product.certificate.empty())
    page.digests.push_back({"the certificate of the proof (sha256)", sha256_text(as_byte_view(product.certificate))});
  if (!product.module) return build_page(page);
  for (const std::filesystem::path& file : hooks) page.hooks.push_back({"callbacks", file.filename().string()});
  for (const kernel::ModuleFunction& function : product.module->report.functions)
    page.spliced.push_back({function.name, function.owner + ": " + function.unit, hex(function.old_addr.value()),
                            std::to_string(function.old_size), std::to_string(function.new_size)});
  add_digests(*product.module, "module", product.report_digest, page);
  return build_page(page);
}

}  // namespace hotpatch::cli

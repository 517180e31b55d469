// SPDX-License-Identifier: GPL-2.0-or-later
#include "programs/hotpatch/build.h"

#include <algorithm>
#include <array>
#include <iostream>
#include <regex>
#include <set>
#include <variant>

#include "buildenv/proof.h"
#include "common/elf/image.h"
#include "common/support/digest.h"
#include "common/support/file.h"
#include "common/support/parallel.h"
#include "common/support/plain_name.h"
#include "programs/hotpatch/interrupt.h"
#include "xen/check/check.h"
#include "xen/payload/hypervisor.h"
#include "xen/payload/payload.h"
#include "xen/profile/profile.h"

namespace hotpatch::cli {
namespace {

constexpr std::size_t kDigestDigits = 64;
constexpr std::uint64_t kMaxPatchSize = std::uint64_t{64} << 20;

void say(const BuildOptions& options, const std::string& what) {
  if (options.progress) std::cerr << "hotpatch: " << what << '\n';
}

/// The functions that a payload below has spliced: no expectation is made of their first bytes.
Result<std::vector<TargetAddr>> entries_of(const xen::PayloadInfo& payload) {
  std::vector<TargetAddr> entries;
  for (const xen::PayloadFunction& function : payload.functions) entries.push_back(function.old_addr);
  std::ranges::sort(entries);
  return entries;
}

Result<> check_own_work(ByteView payload, const elf::Image& image, Diagnostics& findings) {
  HP_ASSIGN(const xen::Hypervisor hypervisor, xen::Hypervisor::make(image));
  HP_ASSIGN(const xen::CheckReport report, xen::check_payload(payload, hypervisor));
  findings.append(report.findings);
  if (report.verdict != xen::Verdict::kRefused) return {};
  const xen::Answer& answer = report.upload.response == xen::Response::kAccepted ? report.apply : report.upload;
  return fail(Errc::kUnsupported, "the linked payload would be refused by Xen with " + answer.error_name + " (" + answer.step +
                                      ": " + answer.reason + (answer.place.empty() ? "" : ", " + answer.place) + ")");
}

/// The declared hooks must be ones that Xen calls at the right time.
void check_hooks(const std::vector<safety::Discharge>& discharges, const std::vector<UnitPatch>& units, Diagnostics& findings) {
  constexpr std::array kApplying = {xen::HookKind::kLoad, xen::HookKind::kPreApply, xen::HookKind::kApply,
                                    xen::HookKind::kPostApply};
  std::set<std::string> applying;
  std::set<std::string> reverting;
  for (const UnitPatch& unit : units)
    for (const extract::Block& block : unit.object.blocks) {
      const auto kind = block.kind == extract::BlockKind::kHooks ? xen::hook_kind(block.section) : std::nullopt;
      if (!kind) continue;
      std::set<std::string>& names = std::ranges::find(kApplying, *kind) != kApplying.end() ? applying : reverting;
      for (const extract::Fixup& fixup : block.fixups)
        if (const auto* target = std::get_if<extract::BlockIndex>(&fixup.target))
          names.insert(unit.object.blocks.at(target->value()).name);
    }
  for (const safety::Discharge& one : discharges) {
    if (!applying.contains(one.apply))
      findings.add(safety::missing_hook(one, one.apply + " is no hook that Xen calls when the payload is applied"));
    if (!reverting.contains(one.revert))
      findings.add(safety::missing_hook(one, one.revert + " is no hook that Xen calls when the payload is reverted"));
  }
}

std::string default_name(const BuildOptions& options) {
  if (!options.pairs.patches.empty()) return payload_name(options.pairs.patches.front());
  if (!options.pairs.hooks.empty()) return payload_name(options.pairs.hooks.front());
  HP_CHECK(!options.nops.empty(), "a build of nothing");
  return payload_name("nop-" + options.nops.front().function);
}

}  // namespace

Result<std::vector<safety::Discharge>> read_discharges(const std::vector<std::filesystem::path>& patches, bool reverse,
                                                       const std::vector<std::filesystem::path>& hooks) {
  std::vector<safety::Discharge> product;
  const auto read = [&](const std::vector<std::filesystem::path>& files, safety::TextKind kind) -> Result<> {
    for (const std::filesystem::path& file : files) {
      HP_ASSIGN(const std::string text, read_text_file(file, kMaxPatchSize));
      HP_ASSIGN(const std::vector<safety::Discharge> found, safety::read_discharges(text, file.filename().string(), kind));
      product.insert(product.end(), found.begin(), found.end());
    }
    return {};
  };
  HP_TRY(read(patches, reverse ? safety::TextKind::kRemovedLines : safety::TextKind::kAddedLines));
  HP_TRY(read(hooks, safety::TextKind::kSource));
  return product;
}

UnitOptions with_sources(UnitOptions options, const buildenv::ObjectPair& pair) {
  options.is_of_build = true;
  if (pair.original_command.empty() || pair.patched_command.empty()) return options;
  options.original_source = {pair.source, pair.original_command, pair.original_directory};
  options.patched_source = {pair.source, pair.patched_command, pair.patched_directory};
  return options;
}

bool BuildProduct::changes_something() const noexcept {
  return std::ranges::any_of(units, [](const UnitPatch& unit) { return unit.changes_something; });
}

std::vector<std::string> find_fixes(const std::string& text) {
  // CVE numbers have four digits or more (cve.org's syntax of 2014), XSA numbers one or more.
  static const std::regex kPattern(R"((CVE-\d{4}-\d{4,}|XSA-\d+))");
  std::set<std::string> found;
  for (std::sregex_iterator match(text.begin(), text.end(), kPattern), end; match != end; ++match) found.insert(match->str());
  return {found.begin(), found.end()};
}

std::string payload_name(const std::filesystem::path& patch) {
  std::string name = patch.stem().string();
  std::erase_if(name, [](unsigned char c) { return c <= ' ' || c >= 0x7f || c == '/'; });
  return name.substr(0, xen::kMaxNameSize - 1);
}

Result<BuildProduct> build(const BuildOptions& options) {
  BuildProduct product;
  product.name = options.name.empty() ? default_name(options) : options.name;
  if (Result<> named = check_plain_name(product.name, xen::kMaxNameSize - 1, "the payload's name"); !named)
    return tl::unexpected(Error(Errc::kUsage, named.error().message()).with_remedy("choose another with --name"));
  HP_ASSIGN(product.base, buildenv::load_base(options.base));
  if (product.base.target != "xen")
    return tl::unexpected(Error(Errc::kUnsupported, options.base.string() + " is a base of " + product.base.target +
                                                        ", and payloads are made for Xen only so far")
                              .with_remedy("docs/linux.md says what a Linux base is good for today"));
  HP_ASSIGN(Bytes image_bytes, read_file(product.base.symbols_path()));
  // What the proof does not reach, names of the image that the patch refers to anew, is taken from this very file.
  if (sha256_text(image_bytes) != product.base.image_sha256)
    return tl::unexpected(
        Error(Errc::kTrust, product.base.symbols_path().string() + ": is not the image that the base was made with")
            .with_remedy("make the base again"));
  HP_ASSIGN(elf::Object image_object, elf::parse_object(std::move(image_bytes), product.base.symbols_path().string()));
  HP_ASSIGN(const elf::Image image, elf::Image::make(std::move(image_object)));
  if (image.build_id() != product.base.build_id)
    return fail(Errc::kTrust, product.base.symbols_path().string() + ": build ID " + image.build_id().text() +
                                  " is not the base's, " + product.base.build_id.text());
  std::string patch_text;
  for (const std::filesystem::path& patch : options.pairs.patches) {
    HP_ASSIGN(const std::string text, read_text_file(patch, kMaxPatchSize));
    patch_text += text;
  }
  product.fixes = find_fixes(patch_text);
  HP_ASSIGN(product.discharges, read_discharges(options.pairs.patches, options.pairs.reverse, options.pairs.hooks));
  UnitOptions unit_options = options.unit;
  unit_options.discharges = product.discharges;
  xen::LinkOptions link;
  if (!options.depends.empty()) {
    HP_ASSIGN(Bytes below_bytes, read_file(options.depends, xen::kMaxPayloadSize));
    HP_ASSIGN_DOING("--depends", const xen::PayloadInfo below,
                    xen::read_payload(std::move(below_bytes), options.depends.string()));
    if (below.xen_depends != product.base.build_id)
      return fail(Errc::kTrust, options.depends.string() + ": is for Xen " + below.xen_depends.text() + ", not for this base's " +
                                    product.base.build_id.text());
    link.depends = below.build_id;
    HP_ASSIGN(link.patched_by_others, entries_of(below));
  }

  // Compile what the patch touches, as it was and as it is to be.
  say(options, "compiling what the patch touches");
  HP_ASSIGN(const TempDir work, TempDir::make("hotpatch-build"));
  const RemoveOnSignal guard(work.path());
  HP_ASSIGN(product.pairs, buildenv::build_pairs(product.base, options.pairs, work.path()));
  product.findings.append(product.pairs.findings);

  // Prove each original object against the image, and take each pair apart. The units do not depend on each other.
  say(options, "comparing " + std::to_string(product.pairs.pairs.size()) + " units");
  const std::size_t count = product.pairs.pairs.size();
  std::vector<Result<prove::Located>> located(count, Result<prove::Located>(prove::Located{}));
  std::vector<Result<UnitPatch>> patched(count, Result<UnitPatch>(UnitPatch{}));
  TypeCollector types;
  parallel_for(count, options.pairs.threads, [&](std::size_t i) {
    const buildenv::ObjectPair& pair = product.pairs.pairs[i];
    if (!pair.original.empty()) {
      const auto original = elf::read_object(pair.original);
      if (original) {
        located[i] = prove::locate(*original, image, pair.unit);
      } else {
        located[i] = tl::unexpected(original.error());
      }
    }
    patched[i] = patch_unit(pair.original, pair.patched, pair.unit, xen::profile(), types, with_sources(unit_options, pair));
  });
  for (std::size_t i = 0; i < count; ++i) {
    HP_ASSIGN_DOING("proving " + product.pairs.pairs[i].unit, prove::Located proof, std::move(located[i]));
    if (!product.pairs.pairs[i].original.empty()) HP_TRY(buildenv::require_proof(product.base, proof, product.findings));
    HP_ASSIGN_DOING("comparing " + product.pairs.pairs[i].unit, UnitPatch unit, std::move(patched[i]));
    product.findings.append(unit.findings);
    product.assessment.append(unit.assessment);
    product.located.push_back(std::move(proof));
    product.units.push_back(std::move(unit));
  }
  product.findings.append(types.findings());
  product.findings.append(safety::check_discharges(product.discharges, product.findings));
  if (!product.findings.has_errors()) check_hooks(product.discharges, product.units, product.findings);
  if (options.unit.wants_listings) {
    HP_ASSIGN(target::Decoder decoder, target::Decoder::make());
    for (std::size_t i = 0; i < count; ++i)
      find_callers(product.units[i].calls, product.located[i], image, "the hypervisor", decoder);
  }
  // From here on all that a rule of the core can say has been said. A patch that breaks one is not linked.
  if (product.findings.has_errors() || (!product.changes_something() && options.nops.empty())) return product;

  say(options, "linking");
  std::vector<xen::LinkUnit> units;
  for (std::size_t i = 0; i < count; ++i)
    if (product.units[i].changes_something) units.push_back({&product.units[i].object, &product.located[i]});
  link.name = product.name;
  link.nops = options.nops;
  link.patch_digest = product.pairs.patch_sha256;
  link.base = product.base.description;
  link.tool_version = HOTPATCH_VERSION;
  link.fixes = product.fixes;
  for (const safety::Discharge& one : product.discharges) link.discharges.push_back(one.text());
  Manifest manifest = options.manifest;
  manifest.stays_loaded = !product.assessment.pinned_by.empty();
  manifest.needs = product.assessment.need;
  HP_ASSIGN(link.manifest, manifest_entries(manifest));
  if (options.seal) {
    link.report_digest = std::string(kDigestDigits, '0');
    link.manifest.emplace_back("class", "?");
  }
  HP_ASSIGN_DOING("link", xen::LinkedPayload payload, xen::link_payload(units, image, link));
  product.findings.append(payload.report.findings);
  if (product.findings.has_errors()) return product;

  // What was written is read back by code that shares nothing with the linker, under Xen's own rules.
  HP_TRY(check_own_work(payload.file, image, product.findings));
  if (product.findings.has_errors()) return product;
  product.payload = std::move(payload);
  if (!options.seal) return product;

  // All is known that the report says, but of the payload: that gets the report's digest in the place of zeros, and nothing else changes.
  ReportSeal seal = options.seal(product);
  product.report_digest = link.report_digest = std::move(seal.digest);
  link.manifest.back().second = std::move(seal.grade);
  HP_CHECK(link.report_digest.size() == kDigestDigits, "a digest has its length");
  HP_ASSIGN_DOING("link", product.payload, xen::link_payload(units, image, link));
  Diagnostics known;
  HP_TRY(check_own_work(product.payload->file, image, known));
  return product;
}

}  // namespace hotpatch::cli

// SPDX-License-Identifier: GPL-2.0-or-later
#include "xen/host/preflight.h"

#include "common/support/file.h"
#include "xen/check/check.h"

namespace hotpatch::xen::host {
namespace {

/// What stands against the payload, the loader's own objection first; empty if nothing does.
std::string objections(const CheckReport& report) {
  std::string text;
  const auto add = [&text](const std::string& reason) { text += (text.empty() ? "" : "; ") + reason; };
  for (const Answer& answer : {report.upload, report.apply}) {
    if (answer.response == Response::kRefused)
      add("Xen would refuse it with " + answer.error_name + ", " + answer.step + ": " + answer.reason +
          (answer.place.empty() ? "" : " [" + answer.place + "]"));
  }
  for (const Finding& finding : report.findings.findings()) {
    if (finding.severity != Severity::kError) continue;
    const std::string& place = finding.where.symbol.empty() ? finding.where.section : finding.where.symbol;
    add((place.empty() ? "" : place + ": ") + finding.text + " (" + finding.rule + ")");
  }
  return text;
}

Result<> check_by_rules(ByteView file, const PayloadInfo& payload, const std::string& name,
                        std::optional<TargetAddr> load_address) {
  HP_ASSIGN(const CheckReport report, xen::check_payload(file, Hypervisor::unseen(payload.xen_depends), load_address));
  if (report.verdict == Verdict::kAccepted) return {};
  return tl::unexpected(Error(Errc::kRejected, "payload " + name + " was not uploaded: " + objections(report))
                            .with_remedy("build it again; hotpatch check FILE --base DIR says more"));
}

}  // namespace

Result<CheckedPayload> check_payload(Bytes file, const std::string& name) {
  if (file.empty() || file.size() > kMaxPayloadSize) {
    return fail(Errc::kMalformed,
                name + " has " + std::to_string(file.size()) + " bytes; a payload has 1 to " + std::to_string(kMaxPayloadSize));
  }
  CheckedPayload checked;
  checked.file = file;
  HP_ASSIGN(const elf::Object object, elf::parse_object(std::move(file), name));
  HP_ASSIGN(checked.info, read_payload(object));
  if (const auto index = object.find_section(kMetadataSection)) {
    const ByteView metadata = object.section(*index).contents;
    checked.metadata.assign(metadata.begin(), metadata.end());
  }
  HP_TRY(check_by_rules(checked.file, checked.info, name, std::nullopt));
  return checked;
}

Result<> check_image(ByteView image, const PayloadInfo& payload, TargetAddr load_address) {
  return check_by_rules(image, payload, payload.name + " as linked for " + hex(load_address.value()), load_address);
}

Result<CheckedPayload> read_checked_payload(const std::filesystem::path& path) {
  HP_ASSIGN(Bytes file, read_file(path, kMaxPayloadSize));
  return check_payload(std::move(file), path.stem().string());
}

Result<CheckedPayload> read_trusted_payload(const std::filesystem::path& path, const std::filesystem::path& signature,
                                            const trust::Policy& policy) {
  HP_ASSIGN(trust::SignedFile file, trust::read_signed_file(path, signature, kMaxPayloadSize));
  HP_ASSIGN_DOING(path.string(), const std::optional<trust::Signer> signer,
                  trust::check(file, policy, std::chrono::system_clock::now()));
  HP_ASSIGN(CheckedPayload checked, check_payload(std::move(file.content), path.stem().string()));
  if (signer) checked.signed_by = trust::signer_text(*signer);
  checked.has_unchecked_signature = !signer && !file.signature.empty();
  return checked;
}

Result<> check_made_for(const PayloadInfo& payload, const BuildId& hypervisor) {
  if (payload.xen_depends == hypervisor) return {};
  return tl::unexpected(Error(Errc::kTrust, "payload " + payload.name + " is for the hypervisor " + payload.xen_depends.text() +
                                                ", but " + hypervisor.text() + " is running")
                            .with_remedy("build it for the base of the running hypervisor; nothing was uploaded"));
}

}  // namespace hotpatch::xen::host

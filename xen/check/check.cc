// SPDX-License-Identifier: GPL-2.0-or-later
#include "xen/check/check.h"

#include <algorithm>
#include <cerrno>

#include "xen/check/emulator.h"
#include "xen/check/hazards.h"
#include "xen/payload/payload.h"

namespace hotpatch::xen {
namespace {

using check::Emulator;
using check::LoadedFunction;
using check::RawSection;

BuildId id_in(const Emulator& loaded, std::string_view name) {
  const RawSection* section = loaded.find(name);
  const auto id = section == nullptr ? std::nullopt : check::note_id(loaded.contents(*section));
  return id ? BuildId(*id) : BuildId();
}

Answer refused(int error, std::string reason, std::string place) {
  return {.response = Response::kRefused,
          .error = error,
          .error_name = check::error_name(error),
          .step = "apply",
          .reason = std::move(reason),
          .place = std::move(place)};
}

/// The checks of APPLY before anything is changed (common/livepatch.c, livepatch_check_expectations), with the payload that this one
/// depends on, if any, applied and nothing else.
Answer apply_answer(const Emulator& loaded, bool on_top_of_payload) {
  for (const LoadedFunction& function : loaded.functions()) {
    if ((function.expect_flags & 1U) == 0 || function.old_addr == TargetAddr()) continue;
    if ((function.expect_flags >> 6U) != 0) return refused(EINVAL, "reserved bits of an expectation are set", function.name_text);
    if (function.old_size < function.expect.size())
      return refused(ERANGE, "more bytes are expected than the old size", function.name_text);
    if (!loaded.memory().is_mapped(function.old_addr, function.expect.size())) {
      if (on_top_of_payload) continue;
      return {.response = Response::kCrash,
              .error = 0,
              .error_name = {},
              .step = "apply",
              .reason = "the expected bytes are not mapped",
              .place = function.name_text};
    }
    const auto bytes = loaded.memory().read(function.old_addr, function.expect.size());
    if (!bytes || on_top_of_payload) continue;  // what the payload below wrote is not known here
    if (!std::equal(bytes->begin(), bytes->end(), function.expect.begin())) {
      return refused(EINVAL,
                     "at " + hex(function.old_addr.value()) + " " + hex_bytes(function.expect) + " is expected, and " +
                         hex_bytes(*bytes) + " is there",
                     function.name_text);
    }
  }
  return {.response = Response::kAccepted, .error = 0, .error_name = {}, .step = {}, .reason = {}, .place = {}};
}

void describe(const Emulator& loaded, CheckReport& report) {
  report.text_size = loaded.text().size;
  report.rw_size = loaded.writable().size;
  report.ro_size = loaded.read_only().size;
  report.reappliable = loaded.is_reappliable();
  for (const LoadedFunction& function : loaded.functions()) {
    report.functions.push_back(
        {.name = function.name_text,
         .old_addr = function.old_addr,
         .new_addr = function.new_addr,
         .old_size = function.old_size,
         .new_size = function.new_size,
         .expect_length = (function.expect_flags & 1U) != 0 ? static_cast<std::uint32_t>(function.expect.size()) : 0});
  }
}

void compare_build_ids(const Emulator& loaded, const Hypervisor& xen, CheckReport& report) {
  report.build_id = id_in(loaded, kBuildIdSection);
  report.depends = id_in(loaded, kDependsSection);
  report.xen_depends = id_in(loaded, kXenDependsSection);
  const BuildId& own = xen.build_id();
  if (report.xen_depends.empty() || report.xen_depends == own) return;
  report.wrong_build_id = true;
  report.findings.add({.rule = "HP122-wrong-build-id",
                       .severity = Severity::kError,
                       .where = {.unit = {}, .symbol = {}, .section = std::string(kXenDependsSection), .source = {}},
                       .text = "the payload is for the hypervisor " + report.xen_depends.text() + ", this is " + own.text() +
                               ": every Xen 4.17 reads old addresses and applies alternatives before it compares",
                       .remedy = "build the patch for this base"});
}

Verdict judge(const CheckReport& report) noexcept {
  if (report.upload.response == Response::kCrash || report.apply.response == Response::kCrash) return Verdict::kDangerous;
  if (report.upload.response == Response::kRefused) return Verdict::kRefused;
  if (report.findings.has_errors()) return Verdict::kDangerous;
  return report.apply.response == Response::kRefused ? Verdict::kRefused : Verdict::kAccepted;
}

std::string line_of(const char* operation, const Answer& answer) {
  std::string text = std::string(operation) + ": " + response_name(answer.response);
  if (answer.response == Response::kRefused) text += " with " + answer.error_name + " (" + std::to_string(-answer.error) + ")";
  if (!answer.step.empty()) text += ", " + answer.step;
  if (!answer.reason.empty()) text += ": " + answer.reason;
  if (!answer.place.empty()) text += " [" + answer.place + "]";
  return text + "\n";
}

}  // namespace

Result<CheckReport> check_payload(ByteView file, const Hypervisor& xen, std::optional<TargetAddr> load_address) {
  CheckReport report;
  report.load_address = load_address.value_or(xen.first_load_address());
  if (report.load_address.value() % kPageSize != 0 || !xen.payload_area().contains(report.load_address))
    return fail(Errc::kInvalid, "payloads cannot be loaded at " + hex(report.load_address.value()));
  Emulator loaded(file, xen, report.load_address, report.findings);
  loaded.run();
  report.upload = loaded.upload();
  describe(loaded, report);
  if (loaded.has_sections()) {
    compare_build_ids(loaded, xen, report);
    check::find_section_hazards(loaded, report.findings);
  }
  if (loaded.is_prepared()) {
    check::find_hazards(loaded, xen, report.findings);
    if (report.upload.response == Response::kAccepted) report.apply = apply_answer(loaded, report.depends != report.xen_depends);
  }
  report.verdict = judge(report);
  return report;
}

ExitCode CheckReport::exit_code() const noexcept {
  if (wrong_build_id) return ExitCode::kTrust;
  switch (verdict) {
    case Verdict::kAccepted: return ExitCode::kDone;
    case Verdict::kRefused: return ExitCode::kError;
    case Verdict::kDangerous: return ExitCode::kRejected;
  }
  HP_UNREACHABLE();
}

const char* verdict_name(Verdict verdict) noexcept {
  switch (verdict) {
    case Verdict::kAccepted: return "accepted";
    case Verdict::kRefused: return "refused";
    case Verdict::kDangerous: return "dangerous";
  }
  HP_UNREACHABLE();
}

const char* response_name(Response response) noexcept {
  switch (response) {
    case Response::kAccepted: return "accepted";
    case Response::kRefused: return "refused";
    case Response::kCrash: return "crash";
    case Response::kNotReached: return "not reached";
  }
  HP_UNREACHABLE();
}

std::string report_text(const CheckReport& report) {
  std::string text = line_of("upload", report.upload) + line_of("apply", report.apply);
  if (!report.build_id.empty())
    text += "build ID " + report.build_id.text() + ", for the hypervisor " + report.xen_depends.text() + "\n";
  if (report.depends != report.xen_depends) text += "to be applied on top of " + report.depends.text() + "\n";
  if (report.upload.response == Response::kAccepted) {
    text += "at " + hex(report.load_address.value()) + ": " + std::to_string(report.text_size) + " bytes of code, " +
            std::to_string(report.rw_size) + " writable, " + std::to_string(report.ro_size) + " read-only; " +
            (report.reappliable ? "can be applied again after a revert" : "has to be uploaded again after a revert") + "\n";
  }
  for (const CheckedFunction& function : report.functions) {
    text += "  " + function.name + " at " + hex(function.old_addr.value()) + "+" + hex(function.old_size);
    text += function.new_addr == TargetAddr() ? ": " + std::to_string(function.new_size) + " bytes of NOPs"
                                              : " -> " + hex(function.new_addr.value()) + "+" + hex(function.new_size);
    text += ", " + std::to_string(function.expect_length) + " bytes expected\n";
  }
  return text + report.findings.text() + "verdict: " + verdict_name(report.verdict) + "\n";
}

}  // namespace hotpatch::xen

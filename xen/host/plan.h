// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a request would do to this host, and what stands against it, before anything is done.
//
// Two kinds of objection. Xen's own rules are predicted here, but Xen is asked all the same: it is the judge, and what we remember of the
// order of its stack may be wrong. Rules of ours guard what Xen does not look at, and they do stop a request:
//
//   another tool's payloads     REPLACE reverts whatever is applied. What this program did not upload is not its to take out, unless the
//                               operator says so.
//   the manifests               vendors, series, serials, conflicts: common/support/manifest.h.
//   what is to stay             A payload whose pointers may be stored anywhere is never unloaded, once it was applied.
//   code that is in use         Xen unloads any payload that is not applied, even if an applied one was made to go on top of it and
//                               refers to it. (It can be there: other tools apply without regard to dependencies.)
//   bytes after a replacement   Xen compares a payload's expectations when it has reverted everything already; if they do not hold, the
//                               host is left without any patch. The bytes are known before: they are those that the payload at the
//                               bottom of the stack found when it was applied.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/support/manifest.h"
#include "xen/host/preflight.h"
#include "xen/host/survey.h"

namespace hotpatch::xen::host {

enum class Operation : std::uint8_t { kUpload, kApply, kLoad, kRevert, kReplace, kUpgrade, kUnload };

struct Request {
  Operation operation = Operation::kUpload;
  std::string name;
  const CheckedPayload* payload = nullptr;  // of an upload, a load, an upgrade
  bool above = false;                       // of a revert: what is on top of it too
  bool others = false;                      // of a replacement: payloads of other tools too
  bool unload_reverted = false;             // of a replacement
};

struct Objection {
  Error error;
  bool by_xen = false;  // a prediction of what Xen would say
};

struct Plan {
  std::vector<std::string> steps;  // empty: there is nothing to do
  std::vector<Objection> objections;
};

/// `state_dir` has the kept copies of the payloads in `view`.
[[nodiscard]] Plan make_plan(const HostView& view, const std::filesystem::path& state_dir, const Request& request);

/// The objections that are rules of ours, as one error of the first one's kind; success if there are none.
Result<> check_rules(const Plan& plan);

/// What a payload says of its place among others, with the functions that it splices.
Result<Manifest> manifest_of(const PayloadInfo& payload);
/// The same, as the journal has it.
[[nodiscard]] Manifest manifest_of(const Remembered& payload);
/// Whether this host takes such a payload at all: `worst_class`, "A" or "B", and the model of consistency of Xen's barrier, against what
/// its manifest says. `name` is for messages. kMalformed, kRejected.
Result<> admit(const std::string& name, const PayloadInfo& payload, const std::string& worst_class);
/// Its metadata say so: it must not be unloaded once it was applied.
[[nodiscard]] bool stays_loaded(const Metadata& metadata);

/// This program uploaded it, as far as the journal knows.
[[nodiscard]] bool is_ours(const PayloadView& payload) noexcept;

/// Names of the applied payloads that were made to go on top of this one.
[[nodiscard]] std::vector<std::string> applied_dependents(const HostView& view, const PayloadView& payload);

/// What it was made to go on top of: a payload's name, "Xen", or the build ID of what is not there; empty if not known.
[[nodiscard]] std::string base_of(const HostView& view, const PayloadView& payload);

}  // namespace hotpatch::xen::host

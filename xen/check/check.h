// SPDX-License-Identifier: GPL-2.0-or-later
//
// A loader of payloads that runs on the build host: it takes any file through the steps of Xen 4.17's own loader, in Xen's order, on a
// model of the hypervisor's memory, and says what Xen would answer. Then it looks for what Xen does not check and what kills the host.
//
// It reads the file by itself and shares nothing with what writes payloads, so that a mistake of one is not repeated by the other.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/support/address.h"
#include "common/support/build_id.h"
#include "common/support/bytes.h"
#include "common/support/diagnostics.h"
#include "common/support/exit_code.h"
#include "common/support/result.h"
#include "xen/payload/hypervisor.h"

namespace hotpatch::xen {

enum class Response : std::uint8_t {
  kAccepted,
  kRefused,     // with an error number, nothing changed
  kCrash,       // the host would not survive
  kNotReached,  // an earlier step failed
};

/// What Xen says to an operation.
struct Answer {
  Response response = Response::kNotReached;
  int error = 0;           // Xen's number, which is Linux's too; 0 unless refused
  std::string error_name;  // "EINVAL"
  std::string step;        // of the loader: "header", "relocations"
  std::string reason;
  std::string place;  // ".rela.text, relocation 3"
};

enum class Verdict : std::uint8_t {
  kAccepted,
  kRefused,    // by Xen's own rules
  kDangerous,  // Xen would take it, or die of it
};
/// "accepted", "refused", "dangerous"
[[nodiscard]] const char* verdict_name(Verdict verdict) noexcept;
/// "accepted", "refused", "crash", "not reached"
[[nodiscard]] const char* response_name(Response response) noexcept;

struct CheckedFunction {
  std::string name;
  TargetAddr old_addr;
  TargetAddr new_addr;  // for the assumed load address; 0: NOPs
  std::uint32_t old_size = 0;
  std::uint32_t new_size = 0;
  std::uint32_t expect_length = 0;
};

struct CheckReport {
  Verdict verdict = Verdict::kRefused;
  Answer upload;
  Answer apply;  // on a hypervisor without other payloads, or on top of the one that it depends on
  bool wrong_build_id = false;
  BuildId build_id;
  BuildId depends;
  BuildId xen_depends;
  TargetAddr load_address;      // assumed
  std::uint64_t text_size = 0;  // bytes
  std::uint64_t rw_size = 0;
  std::uint64_t ro_size = 0;
  bool reappliable = false;
  std::vector<CheckedFunction> functions;
  Diagnostics findings;

  /// kDone, kError (refused), kRejected (dangerous), kTrust (wrong build ID).
  [[nodiscard]] ExitCode exit_code() const noexcept;
};

/// Fails only if the model of the hypervisor's memory cannot be made (kIo). `load_address`: nothing for the first that Xen hands out.
Result<CheckReport> check_payload(ByteView file, const Hypervisor& xen, std::optional<TargetAddr> load_address = std::nullopt);

/// For people: the answers, the layout, the functions and the findings.
[[nodiscard]] std::string report_text(const CheckReport& report);

}  // namespace hotpatch::xen

// SPDX-License-Identifier: GPL-2.0-or-later
//
// The exit codes of all programs (docs/cli.md). Scripts depend on them: they are never renumbered.
#pragma once

#include "common/support/result.h"

namespace hotpatch {

enum class ExitCode : int {
  kDone = 0,         // done, or already so
  kError = 1,        // input, build, I/O, or the hypervisor or kernel said no
  kBusy = 2,         // busy or timed out, nothing changed: try again
  kRejected = 3,     // refused by a safety rule
  kNothingToDo = 4,  // no functional change, or not applicable to this base
  kTrust = 5,        // signature, digest or build ID
  kUsage = 64,       // EX_USAGE of sysexits.h
  kInternal = 70,    // EX_SOFTWARE: a bug of ours
};

[[nodiscard]] constexpr ExitCode exit_code(Errc code) noexcept {
  switch (code) {
    case Errc::kBusy: return ExitCode::kBusy;
    case Errc::kRejected: return ExitCode::kRejected;
    case Errc::kNothingToDo: return ExitCode::kNothingToDo;
    case Errc::kTrust: return ExitCode::kTrust;
    case Errc::kUsage: return ExitCode::kUsage;
    case Errc::kIo:
    case Errc::kMalformed:
    case Errc::kUnsupported:
    case Errc::kNotFound:
    case Errc::kInvalid:
    case Errc::kRefused: return ExitCode::kError;
  }
  return ExitCode::kInternal;
}

/// The code's name in JSON documents. Scripts depend on these too.
[[nodiscard]] constexpr const char* errc_name(Errc code) noexcept {
  switch (code) {
    case Errc::kIo: return "io";
    case Errc::kMalformed: return "malformed";
    case Errc::kUnsupported: return "unsupported";
    case Errc::kNotFound: return "not-found";
    case Errc::kInvalid: return "invalid";
    case Errc::kRefused: return "refused";
    case Errc::kBusy: return "busy";
    case Errc::kRejected: return "rejected";
    case Errc::kNothingToDo: return "nothing-to-do";
    case Errc::kTrust: return "trust";
    case Errc::kUsage: return "usage";
  }
  return "internal";
}

}  // namespace hotpatch

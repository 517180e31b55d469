// SPDX-License-Identifier: GPL-2.0-or-later
//
// Files as vendors hand them out, with a signature behind (appended.h) or beside them, and whether this host takes them.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>

#include "common/support/bytes.h"
#include "common/support/result.h"
#include "common/trust/vendors.h"

namespace hotpatch::trust {

struct SignedFile {
  Bytes content;    // without a signature appended to it: what is signed
  Bytes signature;  // empty: none came with it
};

/// `signature` is the file that holds it. If that is empty: what is appended to `file`, else the file beside it, NAME.p7s, if there is one.
/// `limit` bounds the content, in bytes. kIo, kMalformed.
Result<SignedFile> read_signed_file(const std::filesystem::path& file, const std::filesystem::path& signature,
                                    std::uint64_t limit);

struct Policy {
  std::filesystem::path
      vendors;            // the directory of vendors.h. Where there is one, nothing unsigned is taken, even if it is empty
  bool required = false;  // where there is none, either
};

/// Who signed it; nothing where no signature is asked for, whatever came with the file. kTrust, kIo, kInvalid as vendors.h; kTrust for a
/// signature that is missing.
Result<std::optional<Signer>> check(const SignedFile& file, const Policy& policy, std::chrono::system_clock::time_point now);

}  // namespace hotpatch::trust

// SPDX-License-Identifier: GPL-2.0-or-later
//
// Copies of the payload files that were uploaded, beside the journal. Xen gives nothing of a payload back but its metadata; the copy is
// what tells afterwards which bytes run, what is uploaded again when a replacement went wrong, and what is loaded after a reboot.
#pragma once

#include <filesystem>
#include <string>

#include "xen/host/preflight.h"

namespace hotpatch::xen::host {

/// Keeps the file as it is, named by its build ID; on the disk when this returns. kIo.
Result<> keep_payload(const std::filesystem::path& state_dir, const CheckedPayload& payload);

/// What was kept of the payload with that build ID (hexadecimal digits), checked again as a new file is. kNotFound if there is none;
/// kTrust if it is another payload's, or its digest is not `digest` (sha256_text; empty: not known).
Result<CheckedPayload> kept_payload(const std::filesystem::path& state_dir, const std::string& build_id,
                                    const std::string& digest);

/// Removes what was kept, if there is something.
void drop_payload(const std::filesystem::path& state_dir, const std::string& build_id);

}  // namespace hotpatch::xen::host

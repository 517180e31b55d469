// SPDX-License-Identifier: GPL-2.0-or-later
//
// What must be known of a payload before Xen sees it. Xen 4.17 reads through pointers that it took from the file before it compares build
// IDs, and never asks whether the sections it uses were loaded: a payload for another hypervisor, or one put together wrongly, does
// not fail to load but takes the host down. So xen/check's rules come first, without the hypervisor's image, which a host does not have;
// and no option skips them.
#pragma once

#include <filesystem>
#include <string>

#include "common/support/build_id.h"
#include "common/support/bytes.h"
#include "common/support/result.h"
#include "common/trust/signed_file.h"
#include "xen/payload/payload.h"

namespace hotpatch::xen::host {

struct CheckedPayload {
  Bytes file;  // the very bytes that were checked
  PayloadInfo info;
  Bytes metadata;                        // .modinfo as it is in the file; empty if there is none
  std::string signed_by;                 // who, if that was asked for: "CN=Vendor, SHA-256 0a1b…"
  bool has_unchecked_signature = false;  // one came with it, and nobody asked for it
};

/// Reads and checks a file. kIo, kMalformed, kUnsupported as read_payload; kRejected for a payload that Xen would refuse whatever the
/// image is, or accept or crash on to the host's harm, all reasons in one message.
Result<CheckedPayload> read_checked_payload(const std::filesystem::path& path);

/// The same for a file that comes from outside: who signed it is checked before anything else in it is looked at, as `policy` has it. Where
/// the signature is: trust/signed_file.h. What is kept and uploaded is the content alone. kTrust besides.
Result<CheckedPayload> read_trusted_payload(const std::filesystem::path& path, const std::filesystem::path& signature,
                                            const trust::Policy& policy);

/// The same for bytes already read. `name` is for messages, and the payload's if its metadata has none.
Result<CheckedPayload> check_payload(Bytes file, const std::string& name);

/// The same rules for an image of a checked payload, linked for that address. kRejected, kUnsupported.
Result<> check_image(ByteView image, const PayloadInfo& payload, TargetAddr load_address);

/// kTrust unless the payload was made for the hypervisor with that build ID.
Result<> check_made_for(const PayloadInfo& payload, const BuildId& hypervisor);

}  // namespace hotpatch::xen::host

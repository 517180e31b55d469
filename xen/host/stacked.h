// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a payload on top of others may expect at the functions that those have spliced.
//
// The builder cannot know: there lies the jump of the payload below, to where Xen has put that payload. Here it is known, so that the
// expectation is written into the image that is linked for its place, and Xen compares it before it splices. The bytes follow from what
// the payloads below say: the lowest one expects those of the hypervisor, and each writes its jump over them, behind an ENDBR64. Where
// any applied payload is not known to the byte (another tool's, one without a kept copy), nothing is expected, as before.
#pragma once

#include <cstdint>
#include <map>

#include "common/support/bytes.h"
#include "xen/host/session.h"
#include "xen/payload/payload.h"

namespace hotpatch::xen::host {

/// By the address of a spliced function: the bytes that lie there now, at most kMaxExpectation.
using SplicedBytes = std::map<std::uint64_t, Bytes>;

/// Of the payloads that are applied, which are those of `listed` in that state. Empty if one of them is not known to the byte, and if none,
/// as far as the journal knows, has spliced a function of `payload` that expects nothing yet: Xen is not asked then.
[[nodiscard]] SplicedBytes spliced_bytes(Session& session, const std::vector<hypercall::Listed>& listed,
                                         const PayloadInfo& payload);

/// Has `image`, which was linked from a file that `payload` describes, expect them at its functions that expect nothing.
/// How many these are.
std::size_t expect_spliced(const SplicedBytes& spliced, const PayloadInfo& payload, Bytes& image);

}  // namespace hotpatch::xen::host

// SPDX-License-Identifier: GPL-2.0-or-later
//
// The last step of linking happens here, on the host, since only here the load address is known.
//
//   1. Xen has taken the relocatable payload, and its metadata tell where: B.
//   2. The image is linked for B (xen/relocate), the relocatable payload is unloaded, the image uploaded in its place.
//   3. Its metadata tell where Xen put the image. Right: done. Elsewhere, as another tool took the room in between: once more, for the
//      place where it is now. After three misses, or where a step cannot be done, the relocatable payload stays, and Xen relocates it.
//
// No lock of the hypervisor spans these steps, so what guards them is the order: an image is applied only after its metadata have
// been seen to agree with its place, and check_in_place() looks again before every apply, whoever uploaded the image.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "common/support/address.h"
#include "hypercall/channel.h"
#include "xen/host/preflight.h"
#include "xen/host/stacked.h"
#include "xen/payload/metadata.h"

namespace hotpatch::xen::host {

/// What settle() needs done to the hypervisor; each is journaled by the one who does it.
struct SettleSteps {
  /// Unloads what is there under the payload's name.
  std::function<Result<>()> unload;
  /// Uploads `file` under that name. `what` is for the journal: "linked for 0x…".
  std::function<Result<>(ByteView file, const std::string& what)> upload;
  /// The metadata of what is there under that name.
  std::function<Result<Metadata>()> look;
};

struct Settled {
  std::optional<std::uint64_t> linked_for;  // nothing: Xen relocated the payload
  unsigned misses = 0;                      // images that Xen put elsewhere
  std::string why_not;                      // the reason, where Xen relocated it
};

/// `below`: what the image may expect of the payloads that are applied now. Requires: the relocatable `payload` was uploaded a moment ago.
/// Afterwards it, or its image, is loaded. kRefused if neither could be achieved: the message says what is there instead.
Result<Settled> settle(const CheckedPayload& payload, const SplicedBytes& below, const SettleSteps& steps);

/// kRefused if the payload `name` is an image that lies elsewhere than where it was linked for: it must not be applied. Success says
/// nothing else; a payload that is not there is left to Xen's own answer. kBusy, kRefused if Xen cannot be asked.
Result<> check_in_place(hypercall::Channel& channel, const std::string& name);

}  // namespace hotpatch::xen::host

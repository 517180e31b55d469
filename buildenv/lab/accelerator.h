// SPDX-License-Identifier: GPL-2.0-or-later
//
// Whether QEMU can use KVM here. The existence of /dev/kvm says little: nested machines show one that cannot run real-mode code, or
// refuses model-specific registers. So a small program is run under it, through the whole firmware.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/support/bytes.h"
#include "common/support/result.h"

namespace hotpatch::lab {

enum class Accelerator : std::uint8_t { kAutomatic, kTcg, kKvm };

/// "automatic", "tcg", "kvm"
[[nodiscard]] const char* accelerator_name(Accelerator accelerator) noexcept;
/// Arguments for QEMU: the accelerator and a processor that Xen and a PV dom0 run on. Requires: not kAutomatic.
[[nodiscard]] std::vector<std::string> accelerator_arguments(Accelerator accelerator);

/// A multiboot image (Multiboot specification 0.6.96, §3.1) that ends QEMU through its debug-exit device at once.
[[nodiscard]] Bytes probe_image();
/// Runs the image under the accelerator; false if it did not get to its end within a few seconds. Takes about a tenth of a second
/// where it works. kNotFound if there is no QEMU.
Result<bool> accelerator_works(Accelerator accelerator);
/// kKvm if this user may open /dev/kvm and it works, else kTcg.
Result<Accelerator> best_accelerator();

}  // namespace hotpatch::lab

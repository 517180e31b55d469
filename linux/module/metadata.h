// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a livepatch module of ours says about itself, in .modinfo: strings KEY=VALUE that end with a zero byte, as modinfo(8) shows them.
// Keys of the kernel's own are name, license, livepatch, vermagic, depends, retpoline, import_ns; ours begin with "hotpatch_": those that
// the host looks at are in linux/payload, and a few more.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/support/bytes.h"
#include "linux/payload/module_info.h"

namespace hotpatch::kernel {

using payload::kBaseKey;
using payload::kBuildIdKey;
using payload::kCertificateKey;
using payload::kConsistencyKey;
using payload::kFixesKey;
using payload::kFunctionKey;
using payload::kPatchKey;
using payload::kTargetKey;
inline constexpr std::string_view kReleaseKey = "hotpatch_release";  // as uname -r prints it
inline constexpr std::string_view kToolKey = "hotpatch_tool";        // what made it

using ModuleInfo = std::vector<std::pair<std::string, std::string>>;

[[nodiscard]] Bytes format_modinfo(const ModuleInfo& info);
/// Strings without "=" are left out.
[[nodiscard]] ModuleInfo parse_modinfo(ByteView section);
/// The first value of that key.
[[nodiscard]] std::optional<std::string> value_of(const ModuleInfo& info, std::string_view key);

}  // namespace hotpatch::kernel

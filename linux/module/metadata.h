// SPDX-License-Identifier: GPL-2.0-or-later
//
// The keys by which a livepatch module of ours describes itself in .modinfo. Keys of the kernel's own are name, license, livepatch,
// vermagic, depends, retpoline, import_ns; ours begin with "hotpatch_": those that the host looks at are in linux/payload, and a few more.
#pragma once

#include <string_view>

#include "linux/payload/module_info.h"

namespace hotpatch::kernel {

using payload::kBaseKey;
using payload::kBuildIdKey;
using payload::kCertificateKey;
using payload::kConsistencyKey;
using payload::kDischargesKey;
using payload::kFixesKey;
using payload::kFunctionKey;
using payload::kPatchKey;
using payload::kReportKey;
using payload::kTargetKey;
inline constexpr std::string_view kReleaseKey = "hotpatch_release";  // as uname -r prints it
inline constexpr std::string_view kToolKey = "hotpatch_tool";        // what made it

}  // namespace hotpatch::kernel

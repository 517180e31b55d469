// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a kernel module says about itself in .modinfo (key=value NUL …; Linux 6.1, kernel/module/main.c, get_modinfo), and the keys by
// which a module of ours says which kernel it was proven against:
//
//   hotpatch_build_id=HEX            GNU build ID of the vmlinux
//   hotpatch_target=MODULE HEX       once for each module that it patches: the run-time name, and the build ID of its shipped file
//   hotpatch_function=OBJECT NAME,N  once for each function that it replaces; OBJECT is vmlinux or a module
//   hotpatch_base=TEXT               the base's description
//   hotpatch_patch_sha256=HEX        of the source patch
//   hotpatch_certificate_sha256=HEX  of the certificate of the proof
//   hotpatch_fixes=ID …              CVE identifiers, separated by spaces
//   hotpatch_consistency=NAME        "thread", "kernel": what switches at one instant
//   hotpatch_report_sha256=HEX       of the report's part that was known before the module
//   hotpatch_discharges=RULE SYMBOL APPLY REVERT  once for each finding that a hook is declared to make up for
//   hotpatch_vendor, _id, _serial, _requires, _conflicts, _state, _replaces, _unload, _class: common/support/manifest.h
//
// The version string of a kernel does not do: all builds of one ABI have the same.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/support/build_id.h"
#include "common/support/bytes.h"
#include "common/support/key_values.h"
#include "common/support/result.h"

namespace hotpatch::kernel::payload {

inline constexpr std::string_view kBuildIdKey = "hotpatch_build_id";
inline constexpr std::string_view kTargetKey = "hotpatch_target";
inline constexpr std::string_view kFunctionKey = "hotpatch_function";
inline constexpr std::string_view kBaseKey = "hotpatch_base";
inline constexpr std::string_view kPatchKey = "hotpatch_patch_sha256";
inline constexpr std::string_view kCertificateKey = "hotpatch_certificate_sha256";
inline constexpr std::string_view kFixesKey = "hotpatch_fixes";
inline constexpr std::string_view kConsistencyKey = "hotpatch_consistency";
inline constexpr std::string_view kReportKey = "hotpatch_report_sha256";
inline constexpr std::string_view kDischargesKey = "hotpatch_discharges";
inline constexpr std::string_view kUnloadKey = "hotpatch_unload";
inline constexpr std::string_view kNever = "never";
/// Of kConsistencyKey: the module has gates, and opens them itself, after the transition, when no thread is in the patch.
inline constexpr std::string_view kKernelConsistency = "kernel";

struct ModuleInfo {
  KeyValues entries;
  BuildId build_id;        // the module's own; empty if it has none
  bool is_signed = false;  // a signature is appended to it; whether it is a good one only the kernel can say

  /// The value of the first entry with that key, or empty.
  [[nodiscard]] std::string value(std::string_view key) const;
  /// All values of that key, in order.
  [[nodiscard]] std::vector<std::string> values(std::string_view key) const;
  /// As lsmod prints it.
  [[nodiscard]] std::string name() const { return value("name"); }
  /// "livepatch=Y": the kernel lets it use its live-patch sections.
  [[nodiscard]] bool is_livepatch() const { return value("livepatch") == "Y"; }
};

/// Of any x86-64 module. kMalformed for what is no ELF module, or has no .modinfo.
Result<ModuleInfo> read_module_info(ByteView file);

/// The names of the modules that it needs, as lsmod prints them.
[[nodiscard]] std::vector<std::string> dependencies(const ModuleInfo& info);
/// What it wants before itself if it is there (softdep=pre: NAME … post: NAME …): modules as lsmod prints them, and algorithms of the
/// kernel's cryptography.
[[nodiscard]] std::vector<std::string> soft_dependencies(const ModuleInfo& info);

struct TargetModule {
  std::string name;  // as lsmod prints it
  BuildId build_id;
};

/// The modules that it patches. kMalformed for what is not a name and an ID.
Result<std::vector<TargetModule>> target_modules(const ModuleInfo& info);

}  // namespace hotpatch::kernel::payload

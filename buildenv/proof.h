// SPDX-License-Identifier: GPL-2.0-or-later
//
// The proof of a base: that what this environment builds is what the image holds.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "buildenv/base.h"
#include "common/elf/image.h"
#include "common/prove/prove.h"
#include "common/support/diagnostics.h"
#include "common/support/result.h"

namespace hotpatch::buildenv {

/// The units of which the image has code that can be compared: linked ones, compiled from C.
[[nodiscard]] bool is_provable(const Unit& unit) noexcept;

struct UnitMismatch {
  std::string unit;
  prove::Mismatch first;
  std::size_t count = 0;  // mismatches of this unit in all
};

struct MatchProof {
  std::uint64_t functions = 0;
  std::uint64_t bytes = 0;
  std::uint64_t units = 0;
  std::vector<UnitMismatch> mismatches;  // by unit; empty: proven
};

/// Compares every provable unit's object in `build` with the image, relocation fields masked. `threads` 0: one per CPU.
Result<MatchProof> match_units(const std::filesystem::path& build, const std::vector<Unit>& units, const elf::Image& image,
                               unsigned threads);

/// Whether two files have the same bytes.
Result<bool> same_bytes(const std::filesystem::path& left, const std::filesystem::path& right);

/// "common/domain.o: domain_kill+0x1c: bytes differ: rebuilt 48 89 …, image 48 8b …; 3 more in this object"
[[nodiscard]] std::string describe(const UnitMismatch& mismatch);

/// The rule of the findings that require_proof adds.
inline constexpr const char* kUnprovenRule = "HP-unproven";

/// No proof, no patch: whether a unit may be patched whose original object, as it was compiled now, lies in the base's image like
/// `original`. For a unit that the base was made without a proof of (Unit::unproven) a finding is added, an error with what differs and the
/// reason that the base gives; the other units of the patch are judged all the same. kTrust, with the first difference and the likely
/// reason, if a unit differs that the base has proven, or if none of its functions is in the image: then base or toolchain is not what it
/// was.
Result<> require_proof(const Base& base, const prove::Located& original, Diagnostics& findings);

/// Why a rebuilt image may differ from the one it should equal, the likeliest first: the compilers' own words in both, the
/// configurations, or else the flags. `wanted_config` is that of the image.
[[nodiscard]] std::string likely_reason(const elf::Object& rebuilt, const elf::Object& image, const std::string& built_config,
                                        const std::string& wanted_config);

/// Reads an image to be a base. kUnsupported, with the remedy, for xen.efi, for a compressed image, and for one without symbols.
Result<elf::Image> read_xen_image(const std::filesystem::path& path);

}  // namespace hotpatch::buildenv

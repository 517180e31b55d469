// SPDX-License-Identifier: GPL-2.0-or-later
//
// The rules by which a patch is judged from its text and its units alone. The identifiers are stable: reports and scripts name them.
#pragma once

namespace hotpatch::buildenv::rule {

// Errors: the patch is refused.
inline constexpr const char* kOutside = "HP-outside";           // changes a file that does not belong to the hypervisor
inline constexpr const char* kBuildSystem = "HP-build-system";  // changes what is built or how
inline constexpr const char* kGenerated = "HP-generated";  // changes a file that the build makes, or the linker script's outcome
inline constexpr const char* kAssembly = "HP-asm";         // changes the code of an assembler unit

// Warnings and notes.
inline constexpr const char* kMovedHunk =
    "HP-moved-hunk";  // a hunk fits, but not where the patch says; warning if in several places
inline constexpr const char* kDocumentation = "HP-documentation";           // a file from which no code is made; ignored
inline constexpr const char* kOtherArchitecture = "HP-other-architecture";  // a file for another CPU; ignored
inline constexpr const char* kUnused = "HP-unused";      // no object of this base is made from the file: nothing to patch there
inline constexpr const char* kUnlinked = "HP-unlinked";  // an object that is built, but not part of the image
inline constexpr const char* kNotCompiled = "HP-not-compiled";  // a unit of a patch that is refused anyhow does not compile

}  // namespace hotpatch::buildenv::rule

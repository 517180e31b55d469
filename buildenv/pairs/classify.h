// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a file of the source tree is, to a tool that compiles single objects: by its name alone.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace hotpatch::buildenv {

enum class FileClass : std::uint8_t {
  kSource,             // *.c of the build directory
  kHeader,             // *.h, *.inc
  kAssembly,           // *.S, *.s
  kBuildSystem,        // decides what is built and how: make, Kconfig, linker scripts, generators, build-time programs
  kGeneratorInput,     // a header or object is made from it
  kDocumentation,      // nothing is made from it
  kOtherArchitecture,  // compiled for another CPU only
  kOutside,            // belongs to the package, but not to the hypervisor
};

struct Classified {
  FileClass kind = FileClass::kOutside;
  /// Of the build directory: "arch/x86/domain.c"; empty if the file does not lie in it.
  std::string path;
};

/// What of a target's source is more than its name says.
struct SourceRules {
  std::string_view noun;                                // what the source is of, for messages: "hypervisor"
  std::span<const std::string_view> tools;              // folders of programs and generators of the build, with '/' at the end
  std::span<const std::string_view> generator_inputs;   // files from which the build makes headers or parts of objects
  std::span<const std::string_view> generator_endings;  // the same, by their ends
  bool evaluates_build_system;  // changes of Makefile, Kbuild and Kconfig files are not refused for what they are, but evaluated
};
[[nodiscard]] const SourceRules& xen_source_rules() noexcept;
[[nodiscard]] const SourceRules& kernel_source_rules() noexcept;

/// `tree_path` is relative to the tree, as patches name it: "xen/arch/x86/domain.c". `build_directory` is its name in the tree: "xen";
/// empty if it is the tree.
/// `architecture` is the base's, "x86_64".
[[nodiscard]] Classified classify_file(std::string_view tree_path, std::string_view build_directory,
                                       std::string_view architecture, const SourceRules& rules = xen_source_rules());

}  // namespace hotpatch::buildenv

// SPDX-License-Identifier: GPL-2.0-or-later
//
// A base: the directory that `hotpatch base create` makes, and that every other command of the build host starts from. It holds the
// source as built (with its generated headers and objects), the image with symbols, and the manifest, which says how each object was
// made and how it was proven that all this is what runs.
//
//   DIR/manifest.json    written last and by rename: a directory without it is not a base
//   DIR/tree/            the source tree, built or prepared: what the names in a patch are relative to. The build directory of Xen is
//                        DIR/tree/xen, that of Linux DIR/tree itself. Never written to after creation.
//   DIR/image/           the shipped files: xen-syms, xen.gz, the config; vmlinux, vmlinuz, the config, Module.symvers. Of a base of
//                        xen.efi that and xen-syms, and xen-efi-syms, which is made of the two (buildenv/efi_image.h).
//   DIR/index/           of a Linux base: what its thousands of units and headers are (buildenv/linux/index.h)
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/support/build_id.h"
#include "common/support/result.h"

namespace hotpatch::buildenv {

inline constexpr std::string_view kManifestName = "manifest.json";
inline constexpr int kManifestVersion = 1;
/// Stands in recorded commands for the absolute path of the tree (the parent of the build directory), so that a base can be moved and
/// a command be run on another view of the same source.
inline constexpr std::string_view kTreePlaceholder = "@TREE@";
/// Stands in recorded commands for the path of the object that is made. Everything that a command writes has a name that begins with
/// it ("@OBJECT@.d", "@OBJECT@.tmp"), so that a command run again never writes into the tree.
inline constexpr std::string_view kOutputPlaceholder = "@OBJECT@";
/// The list of all files of tree/ and image/ with their digests, one a line, sorted: "SHA256  PATH", or "link TARGET  PATH".
inline constexpr std::string_view kFileListName = "files";

enum class ProofGrade : std::uint8_t {
  kIdentical,  // the rebuilt image has the shipped one's build ID and bytes
  kMatched,    // every function of every object equals the shipped image's, relocation fields masked
  kOnDemand,   // nothing was built but a sample, which is equal: every object that a patch touches is proven when it is made
};

/// One program of the toolchain.
struct Tool {
  std::string name;     // "compiler", "assembler", "linker", "objcopy"
  std::string path;     // as it was found, symbolic links resolved
  std::string version;  // its first line of --version
  std::string sha256;   // of the program file
};

/// One object of the build.
struct Unit {
  std::string object;       // relative to the build directory: "arch/x86/mm/p2m-pod.o"
  std::string source;       // "arch/x86/mm/p2m-pod.c"; an assembler source for .S units
  std::string file_symbol;  // its STT_FILE symbol in the image; empty if it has none
  bool is_linked = true;    // false: built, but no code of it is in the image (unlinked archive members, boot-time helpers)
  bool is_init = false;     // all its sections are renamed to .init.*: freed after boot
  std::vector<std::vector<std::string>>
      commands;              // argument vectors, run in the build directory in order, with Base::environment and
                             // nothing else in the environment. The first compiles; the last leaves `object`,
                             // which appears as @OBJECT@, as the tree does as @TREE@.
  std::string unreplayable;  // why `commands` is empty and the object can be made by the build system alone; else empty
  std::string
      unproven;  // why the image's code differs from this object's, in a base that is matched without it: it cannot be patched.
                 // Else empty.
  std::vector<std::string> dependencies;  // files read, relative to the build directory, sorted
};

/// What only a base of Linux has. Its units are in the index, and their commands are asked of the build system when they are wanted.
struct KernelFacts {
  std::string release;                      // "6.1.0-54-amd64", as uname -r prints it
  std::vector<std::string> make_arguments;  // "ARCH=x86", "CC=gcc-12", …
  std::string debug_package;     // the file name of the package that has the modules' debug files, in the cache; or else
  std::string module_directory;  // absolute: where a user's own modules with debugging information are
  std::vector<std::pair<std::string, std::uint64_t>> record_sizes;  // "struct bug_entry" -> bytes, of the image's DWARF; sorted
  std::uint64_t image_units = 0;                                    // translation units of vmlinux
  std::uint64_t module_units = 0;
  std::uint64_t modules = 0;
};

struct Base {
  std::filesystem::path directory;  // absolute; not in the manifest
  std::string target;               // "xen", "linux"
  std::string description;          // "Debian xen 4.17.5+72-g01140da4e8-1"
  std::string package_version;      // Debian's, or empty for a user's own tree
  std::string architecture;         // "x86_64"
  BuildId build_id;
  ProofGrade grade = ProofGrade::kIdentical;
  std::string source_sha256;  // over the names and contents of all source files, sorted by name
  std::string config_sha256;
  std::string image_sha256;     // of symbols_image
  std::string build_directory;  // relative to `directory`: "tree/xen"
  std::string symbols_image;    // relative to `directory`: the linked image with symbols, "image/xen-syms"
  std::string boot_image;       // relative: what boots, "image/xen.gz"
  std::string config;           // relative: "image/config"
  std::vector<Tool> tools;
  std::vector<std::pair<std::string, std::string>> environment;  // variables that the build was given
  std::vector<std::string> generated_files;                      // relative to the build directory: headers made by the build
  std::vector<Unit> units;                                       // by object name
  std::string files_sha256;                                      // of DIR/files
  std::uint64_t proven_functions = 0;
  std::uint64_t proven_bytes = 0;
  std::optional<KernelFacts> kernel;  // of a Linux base

  /// What the names in a patch are relative to.
  [[nodiscard]] std::filesystem::path source_root() const { return directory / "tree"; }
  [[nodiscard]] std::filesystem::path tree() const { return directory / build_tree(); }
  [[nodiscard]] std::filesystem::path build_path() const { return directory / build_directory; }
  [[nodiscard]] std::filesystem::path symbols_path() const { return directory / symbols_image; }
  [[nodiscard]] std::filesystem::path boot_path() const { return directory / boot_image; }

 private:
  [[nodiscard]] std::filesystem::path build_tree() const { return std::filesystem::path(build_directory).parent_path(); }
};

/// Reads DIR/manifest.json. kNotFound if DIR is not a base (with what is there instead: nothing, an interrupted creation);
/// kUnsupported for another manifest version; kMalformed with the JSON path of what is wrong.
Result<Base> load_base(const std::filesystem::path& directory);
/// The manifest's text: deterministic, human-readable JSON.
[[nodiscard]] std::string manifest_text(const Base& base);
/// "identical", "matched", "on demand"
[[nodiscard]] const char* grade_name(ProofGrade grade) noexcept;

}  // namespace hotpatch::buildenv

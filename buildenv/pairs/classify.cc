// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/pairs/classify.h"

#include <algorithm>
#include <array>

namespace hotpatch::buildenv {
namespace {

std::string_view base_name(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

bool is_documentation(std::string_view path) {
  constexpr std::array<std::string_view, 5> kSuffixes{".md", ".rst", ".pandoc", ".txt", ".adoc"};
  constexpr std::array<std::string_view, 9> kNames{"MAINTAINERS", "CHANGELOG", "SUPPORT", "COPYING",     "CREDITS",
                                                   "README",      "INSTALL",   "LICENSE", "CODING_STYLE"};
  constexpr std::array<std::string_view, 4> kFolders{"docs/", "LICENSES/", "automation/", ".github/"};
  const std::string_view name = base_name(path);
  return std::ranges::any_of(kFolders, [path](std::string_view folder) { return path.starts_with(folder); }) ||
         std::ranges::any_of(kSuffixes, [name](std::string_view suffix) { return name.ends_with(suffix); }) ||
         std::ranges::any_of(kNames, [name](std::string_view known) { return name.substr(0, name.find('.')) == known; }) ||
         name == ".gitignore" || name == ".gitattributes" || name == ".hgignore" || name == ".gitlab-ci.yml" ||
         name == ".cirrus.yml";
}

/// Of the build directory. Makefile, build.mk, Rules.mk, arch/*/arch.mk, Kbuild, Kconfig*, generators, *.lds.S.
bool is_build_system(std::string_view path, const SourceRules& rules) {
  constexpr std::array<std::string_view, 10> kSuffixes{".mk", ".lds.S", ".lds", ".lds.h", ".awk",
                                                       ".py", ".sh",    ".pl",  ".lst",   ".in"};
  const std::string_view name = base_name(path);
  return std::ranges::any_of(rules.tools, [path](std::string_view folder) { return path.starts_with(folder); }) ||
         name.starts_with("Makefile") || name.starts_with("Kconfig") || name.starts_with("Kbuild") || name == ".config" ||
         std::ranges::any_of(kSuffixes, [name](std::string_view suffix) { return name.ends_with(suffix); });
}

constexpr std::array<std::string_view, 3> kXenTools{"tools/", "scripts/", "arch/x86/configs/"};
/// Xen sources from which headers or parts of objects are made, by rules that are not those of a unit: include/Makefile
/// (cpuid-autogen.h, hypercall-defs.h), arch/x86/boot/Makefile (the 32-bit code that head.S takes in as binary).
constexpr std::array<std::string_view, 5> kXenInputs{"include/public/arch-x86/cpufeatureset.h", "include/hypercall-defs.c",
                                                     "arch/x86/boot/cmdline.c", "arch/x86/boot/reloc.c", "arch/x86/boot/defs.h"};
/// Programs of the build, and what is user space's. tools/lib/bpf/relo_core.c, which kernel/bpf takes in, is refused with them.
constexpr std::array<std::string_view, 7> kKernelTools{"tools/", "scripts/", "usr/",           "samples/",
                                                       "certs/", "rust/",    "arch/x86/tools/"};
/// Kbuild (bounds.h, timeconst.h, asm-offsets.h), arch/x86/entry/syscalls (tables), lib/raid6 (*.uc), lib/crc32 and others' generators;
/// headers from which others are made: flask.h, scsi_devinfo_tbl.c, oid_registry_data.c, names of capabilities and limits for AppArmor. Its
/// names of address families come from linux/socket.h and linux/net.h, which are far more than that and may be patched.
constexpr std::array<std::string_view, 20> kKernelInputs{"kernel/bounds.c",
                                                         "kernel/time/timeconst.bc",
                                                         "arch/x86/kernel/asm-offsets.c",
                                                         "arch/x86/kernel/asm-offsets_64.c",
                                                         "lib/gen_crc32table.c",
                                                         "lib/gen_crc64table.c",
                                                         "lib/raid6/mktables.c",
                                                         "arch/x86/include/asm/cpufeatures.h",
                                                         "drivers/tty/vt/conmakehash.c",
                                                         "arch/x86/kvm/kvm-asm-offsets.c",
                                                         "arch/x86/lib/x86-opcode-map.txt",
                                                         "security/selinux/include/classmap.h",
                                                         "security/selinux/include/initial_sid_to_string.h",
                                                         "include/scsi/scsi_devinfo.h",
                                                         "include/linux/oid_registry.h",
                                                         "include/uapi/linux/capability.h",
                                                         "include/uapi/asm-generic/resource.h",
                                                         "drivers/gpu/drm/radeon/mkregtable.c",
                                                         "drivers/accessibility/speakup/genmap.c",
                                                         "drivers/accessibility/speakup/makemapdata.c"};
constexpr std::array<std::string_view, 6> kKernelEndings{".tbl", ".uc", ".map", ".asn1", ".dts", ".c_shipped"};

std::string_view source_architecture(std::string_view architecture) {
  if (architecture == "x86_64") return "x86";
  if (architecture == "aarch64") return "arm";
  return architecture;
}

}  // namespace

const SourceRules& xen_source_rules() noexcept {
  static constexpr SourceRules kRules{"hypervisor", kXenTools, kXenInputs, {}, false};
  return kRules;
}

const SourceRules& kernel_source_rules() noexcept {
  static constexpr SourceRules kRules{"kernel", kKernelTools, kKernelInputs, kKernelEndings, true};
  return kRules;
}

Classified classify_file(std::string_view tree_path, std::string_view build_directory, std::string_view architecture,
                         const SourceRules& rules) {
  Classified result;
  const bool is_all = build_directory.empty();
  const bool is_inside = is_all || (tree_path.size() > build_directory.size() && tree_path.starts_with(build_directory) &&
                                    tree_path[build_directory.size()] == '/');
  const std::string_view path = is_inside && !is_all ? tree_path.substr(build_directory.size() + 1) : tree_path;
  if (is_inside) result.path = path;
  const bool is_input = std::ranges::find(rules.generator_inputs, path) != rules.generator_inputs.end();
  if (is_documentation(path) && !is_input) {
    result.kind = FileClass::kDocumentation;
    return result;
  }
  if (!is_inside) return result;

  if (path.starts_with("arch/")) {
    const std::string_view rest = path.substr(5);
    const std::size_t slash = rest.find('/');
    if (slash != std::string_view::npos && rest.substr(0, slash) != source_architecture(architecture)) {
      result.kind = FileClass::kOtherArchitecture;
      return result;
    }
  }
  if (is_build_system(path, rules)) {
    result.kind = FileClass::kBuildSystem;
  } else if (is_input ||
             std::ranges::any_of(rules.generator_endings, [path](std::string_view ending) { return path.ends_with(ending); })) {
    result.kind = FileClass::kGeneratorInput;
  } else if (path.ends_with(".c")) {
    result.kind = FileClass::kSource;
  } else if (path.ends_with(".h") || path.ends_with(".inc")) {
    result.kind = FileClass::kHeader;
  } else if (path.ends_with(".S") || path.ends_with(".s")) {
    result.kind = FileClass::kAssembly;
  } else {
    result.kind = FileClass::kBuildSystem;  // data or a script: something makes something of it
  }
  return result;
}

}  // namespace hotpatch::buildenv

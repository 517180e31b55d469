// SPDX-License-Identifier: GPL-2.0-or-later
//
// The maker of livepatch modules: what the extractor found, bound to the stock kernel and its modules, joined with a generated wrapper
// and written as a module that the unmodified kernel loads. Neither modpost nor a linker has a part in it.
//
// How a reference leaves the module, in this order:
//   1. what vmlinux exports: an ordinary undefined symbol, with its CRC in __versions. The loader finds it in a sorted table.
//   2. everything else of vmlinux: a livepatch symbol, ".klp.sym.vmlinux._text,1", in .klp.rela.vmlinux.SECTION, and a distance from it.
//      The kernel walks its symbols for each such relocation (until 6.2) up to the one that is named, and this one is among the first.
//      What is per CPU, and a kernel without that symbol, has ".klp.sym.vmlinux.NAME,POSITION". So has the place of the kernel's build ID:
//      only when the module has compared that do distances mean anything.
//   3. what a module has, exported or not: the same with the module's name, applied whenever the module is there.
// Calls to what has a livepatch symbol of its own go by way of a stub, which has the only relocation.
//
// Where the text lies is what makes unloading safe. The kernel lets a thread leave the patch if no return address on its stack is between
// a new function and the next symbol of the module (kernel/livepatch/transition.c; module symbols have no size in kallsyms). Only replacing
// functions have symbols here; what they call, jump to or fall into (new helpers, parts out of line, stubs) lies behind one of the same
// owner and has none. So every byte of it counts, also that of a helper that was reached by a tail call and left no other trace.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/elf/image.h"
#include "common/extract/patch_object.h"
#include "common/prove/prove.h"
#include "common/support/diagnostics.h"
#include "common/support/key_values.h"
#include "common/support/result.h"
#include "linux/module/exports.h"

namespace hotpatch::kernel {

/// One patched unit. All outlive the making. Units are laid out in the order given.
struct ModuleUnit {
  std::string owner;  // "vmlinux", "binfmt_misc"
  const extract::PatchObject* patch = nullptr;
  const prove::Located* located = nullptr;  // of the unit's original object, in its owner's image
};

/// The stock kernel. All that it refers to outlives the making.
struct TargetKernel {
  std::string release;  // "6.1.0-54-amd64"
  const elf::Image* image = nullptr;
  const Exports* exports = nullptr;
  std::vector<std::pair<std::string, std::uint64_t>> record_sizes;  // "struct alt_instr" -> bytes, from the image's DWARF
  /// A module as if it were loaded, by the kernel's name for it; the same for each call.
  std::function<Result<const elf::Image*>(const std::string& module)> module_image;
};

/// What the text of a wrapper is compiled by: the target's own headers and its own flags for a module of that name.
using WrapperCompiler = std::function<Result<elf::Object>(const std::string& source, const std::string& module_name)>;

/// How threads get from the old functions to the new ones.
enum class Consistency : std::uint8_t {
  kThread,   // one by one, each when it is in none of them: the livepatch core's own way
  kGuarded,  // the same, and unchanged functions count as well: they are among the units' functions
  kKernel,   // all at once, when no thread is in any of them (gate.h)
};
[[nodiscard]] const char* consistency_name(Consistency consistency) noexcept;

struct ModuleOptions {
  std::string name;  // of the module: letters, digits, '_'; below 56 bytes
  Consistency consistency = Consistency::kThread;
  bool replace = true;                  // it takes the place of all livepatches that are loaded
  std::string patch_digest;             // sha256 of the source patch, hexadecimal
  std::string certificate_digest;       // sha256 of the certificate, hexadecimal; may be empty
  std::string report_digest;            // the same of the report
  KeyValues manifest;                   // further keys, without "hotpatch_"
  std::vector<std::string> discharges;  // what hooks are declared to make up for
  std::string base;                     // description of the base
  std::string tool_version;
  std::vector<std::string> fixes;         // CVE identifiers
  std::vector<const elf::Object*> hooks;  // the user's callbacks (wrapper.h says how they are named), compiled as the wrapper is
};

struct ModuleFunction {
  std::string name;
  std::string unit;
  std::string owner;
  std::uint32_t position = 0;    // as the kernel counts
  TargetAddr old_addr;           // of the owner's image
  std::uint64_t old_size = 0;    // bytes
  std::uint64_t new_offset = 0;  // bytes in the module's .text
  std::uint64_t new_size = 0;    // bytes
};

/// One relocation that the kernel's livepatch core applies.
struct LivepatchRelocation {
  std::string section;       // that it applies to
  std::uint64_t offset = 0;  // bytes
  std::string object;        // "vmlinux", "binfmt_misc": when it is applied
  std::string symbol;        // ".klp.sym.vmlinux._text,1"
  std::string meaning;       // what people call the place, if that is not the symbol
  std::int64_t addend = 0;
  TargetAddr meant;   // the place's address in its owner's image
  TargetAddr refers;  // what the field is computed from: that and the reference's own addend
};

struct ModuleSection {
  std::string name;
  std::uint64_t size = 0;  // bytes
  std::uint32_t relocations = 0;
  std::uint32_t livepatch_relocations = 0;
};

struct ModuleReport {
  std::string vermagic;
  BuildId build_id;             // of the module
  std::uint64_t file_size = 0;  // bytes
  bool is_signed = false;
  Consistency consistency = Consistency::kThread;
  std::vector<ModuleFunction> functions;
  std::vector<LivepatchRelocation> relocations;
  std::vector<std::string> exports;  // symbols that are found as exported ones, sorted
  std::vector<ModuleSection> sections;
  std::uint32_t stubs = 0;
  Diagnostics findings;
};

struct LivepatchModule {
  Bytes file;           // empty if report.findings.has_errors()
  std::string wrapper;  // the source that was compiled
  ModuleReport report;
};

/// Fails with kNothingToDo if there is no function to replace; with what `compile` says. What is wrong with the patch is in the report.
Result<LivepatchModule> make_module(const std::vector<ModuleUnit>& units, const TargetKernel& target,
                                    const ModuleOptions& options, const WrapperCompiler& compile);

/// A module's name of a patch's: "0044-fs-binfmt.patch" becomes "hotpatch_0044_fs_binfmt".
[[nodiscard]] std::string default_module_name(std::string_view patch_stem);

}  // namespace hotpatch::kernel

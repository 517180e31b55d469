// SPDX-License-Identifier: GPL-2.0-or-later
//
// Which translation units a kernel was built of, and whose they are: vmlinux's, or a module's. The truth is the debugging information
// of what was shipped: it names the units that are in it. Reading the build system instead would say what a build makes here.
//
// In a base: DIR/index/owners, one a line ("vmlinux", or a module's path below /lib/modules/RELEASE, the offset and size of its debug
// file in the debug package, its build ID), DIR/index/producers (what compiled a unit, with what options), and DIR/index/units (source,
// the line numbers of its owner and its producer, from 0). All are sorted, so that two creations make the same.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/elf/unit_names.h"
#include "common/support/result.h"

namespace hotpatch::buildenv {

inline constexpr std::string_view kImageOwner = "vmlinux";

struct UnitOwner {
  std::string name;          // "vmlinux", "kernel/fs/binfmt_misc.ko"
  std::uint64_t offset = 0;  // of the debug file's content in the package's data.tar; 0 for vmlinux and a user's own modules
  std::uint64_t size = 0;    // bytes
  std::string build_id;      // hexadecimal digits

  [[nodiscard]] bool is_image() const noexcept { return name == kImageOwner; }
  /// As the kernel calls the module: "binfmt_misc" (with '_' for '-'); "vmlinux".
  [[nodiscard]] std::string module_name() const;
};

struct IndexedUnit {
  std::string source;        // relative to the tree, as the build named it: "arch/x86/kvm/../../../virt/kvm/kvm_main.c"
  std::size_t owner = 0;     // index into UnitIndex::owners
  std::size_t producer = 0;  // index into UnitIndex::producers

  /// What make is asked for: "arch/x86/kvm/../../../virt/kvm/kvm_main.o".
  [[nodiscard]] std::string object() const;
  [[nodiscard]] bool is_c() const noexcept { return source.ends_with(".c"); }
};

struct UnitIndex {
  std::vector<UnitOwner> owners;
  std::vector<std::string> producers;
  std::vector<IndexedUnit> units;  // by source, then owner

  /// All units made of that file; several if it belongs to more than one module. `path` and the units' names are compared with ".."
  /// resolved.
  [[nodiscard]] std::vector<const IndexedUnit*> of_source(std::string_view path) const;
};

/// Collects what the debugging information of vmlinux and of the modules says.
class UnitIndexBuilder {
 public:
  /// The units of one file. `names` are taken over; sources that a module's build makes by itself (NAME.mod.c) are left out.
  void add(UnitOwner owner, const elf::UnitNames& names);
  /// `tree` is where the sources are: names that the build had as absolute paths are found in it by their last parts.
  [[nodiscard]] UnitIndex finish(const std::filesystem::path& tree) &&;

 private:
  struct Entry {
    std::string source;
    std::string owner;
    std::string producer;
  };
  std::vector<UnitOwner> owners_;
  std::vector<Entry> entries_;
};

Result<> write_unit_index(const UnitIndex& index, const std::filesystem::path& directory);
/// kMalformed with the file and line.
Result<UnitIndex> read_unit_index(const std::filesystem::path& directory);

}  // namespace hotpatch::buildenv

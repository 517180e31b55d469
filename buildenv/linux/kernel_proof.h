// SPDX-License-Identifier: GPL-2.0-or-later
//
// Makes objects of units again and proves that they are in the shipped kernel. An object is compiled in the base's own tree, with the
// commands of its build system, so that every name in it is the build's; what it writes goes elsewhere.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "buildenv/base.h"
#include "buildenv/linux/stock.h"
#include "buildenv/linux/unit_commands.h"
#include "buildenv/linux/unit_index.h"
#include "buildenv/pairs/compile.h"
#include "common/prove/prove.h"
#include "common/support/result.h"

namespace hotpatch::buildenv {

/// Runs the commands in `directory` (a tree of the base's source), with `options` added to the compilation, so that `output` is the
/// object. The folder of `output` is made. An outcome that is not ok is the compiler's refusal.
Result<Compiled> compile_kernel_unit(const Base& base, const CommandList& commands, const std::filesystem::path& directory,
                                     const std::filesystem::path& output, const std::vector<std::string>& options);

/// What the link of vmlinux and of modules does to sections besides placing them.
[[nodiscard]] prove::LinkRules kernel_link_rules() noexcept;

struct ProvenUnit {
  const IndexedUnit* unit = nullptr;
  prove::Located located;
  std::string producer_differs;  // what compiled it here, if that is not what the image says; else empty
  std::string refused;           // why it could not be compiled; else empty

  [[nodiscard]] bool ok() const noexcept { return refused.empty() && producer_differs.empty() && located.mismatches.empty(); }
};

/// Compiles each of `units` plainly and locates it in its owner's image. The product is in their order.
Result<std::vector<ProvenUnit>> prove_units(const Base& base, const UnitIndex& index, StockKernel& stock,
                                            const std::vector<const IndexedUnit*>& units, const std::filesystem::path& work,
                                            unsigned threads);

/// `count` units of C whose source is in `tree` (and is not generated), spread evenly over the index: the same ones for the same index and
/// tree. Half of them are vmlinux's, if there are modules.
[[nodiscard]] std::vector<const IndexedUnit*> sample_units(const UnitIndex& index, const std::filesystem::path& tree,
                                                           std::size_t count);

/// "fs/exec.o: do_execve+0x1c: bytes differ: …"; empty for a proven one.
[[nodiscard]] std::string describe(const ProvenUnit& unit);

}  // namespace hotpatch::buildenv

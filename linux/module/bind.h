// SPDX-License-Identifier: GPL-2.0-or-later
//
// Binding: the place in the running kernel, or in another unit of the patch, that each external of a unit means, and the name by which
// the kernel will find it.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/link/references.h"
#include "common/support/diagnostics.h"
#include "linux/module/module.h"
#include "linux/module/symbols.h"

namespace hotpatch::kernel {

using link::BlockRef;

/// A place in the running kernel and how it is reached.
struct KernelPlace {
  std::string owner;           // whose symbol: "vmlinux", "binfmt_misc"
  std::string name;            // of the symbol
  std::uint32_t position = 0;  // as the kernel counts; 0: unique, of a module
  std::uint64_t offset = 0;    // bytes from the symbol to the place
  TargetAddr address;          // of the place, in the owner's image
  std::string meaning = {};    // what people call it, if that is not the symbol
  bool is_exported = false;    // by vmlinux: an ordinary symbol reaches it

  /// The symbol's number for the kernel. Of vmlinux it is never 0, for which the kernel would walk all its symbols to see that there is no
  /// other; with a number it stops at the symbol. There is no other: the module is for this very build.
  static std::uint32_t position_for(const std::string& owner, std::uint32_t position);
  /// ".klp.sym.vmlinux.c_start,1"
  [[nodiscard]] std::string livepatch_symbol() const;
};

/// The stock kernel and those of its modules that were asked for.
class Owners {
 public:
  explicit Owners(const TargetKernel& target) : target_(target) {}
  Result<const OwnerSymbols*> of(const std::string& owner);
  [[nodiscard]] const TargetKernel& target() const noexcept { return target_; }

 private:
  const TargetKernel& target_;
  std::map<std::string, std::unique_ptr<OwnerSymbols>> known_;
};

/// What an external means.
struct Bound {
  std::optional<KernelPlace> place;
  std::optional<BlockRef> definition;  // in the module
  bool branches_only = false;          // the definition replaces a function: only calls go there, addresses stay the old ones
};

class Bindings {
 public:
  /// Binds all externals of all units. What cannot be bound is a finding, and so is a function to be replaced that the proof did not
  /// place, or that the kernel's tracer cannot redirect. Fails if a module's image cannot be had.
  static Result<Bindings> make(const std::vector<ModuleUnit>& units, Owners& owners, Diagnostics& findings);

  [[nodiscard]] const Bound& of(std::size_t unit, extract::ExternalIndex external) const;
  /// The original, if the block replaces a function.
  [[nodiscard]] const KernelPlace* replaced(const BlockRef& block) const noexcept;
  /// The block with that global name that code of `owner` means: of a unit of the same owner, or of vmlinux. What a module has is there
  /// only while the module is, and nobody else's.
  [[nodiscard]] std::optional<BlockRef> definition(const std::string& owner, std::string_view name) const;

 private:
  std::vector<std::vector<Bound>> bound_;
  std::map<BlockRef, KernelPlace> replaced_;
  link::Definitions defined_;  // by owner and name
};

/// What a name means in code that belongs to `owner` ("vmlinux" for what belongs to no module), as the module's own loader would see it:
/// the owner's own global symbol, what is exported to it, or else vmlinux's global symbol, exported or not. Nothing if it means nothing.
Result<std::optional<KernelPlace>> find_by_name(std::string_view name, const std::string& owner, Owners& owners);

}  // namespace hotpatch::kernel

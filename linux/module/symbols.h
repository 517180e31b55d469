// SPDX-License-Identifier: GPL-2.0-or-later
//
// The symbols of vmlinux or of one module as the running kernel counts them when it resolves a livepatch's names.
//
// The kernel finds "the N-th symbol of that name" (kernel/livepatch/core.c, klp_find_object_symbol). It counts symbols of every type: for
// vmlinux those of kallsyms, which are sorted by address (scripts/kallsyms.c), for a module those of its symbol table in the table's
// order, without what lies in sections that are freed when it has started (kernel/module/kallsyms.c). Position 0 is accepted for a name
// that is there once. So a place is identified by where it is, and the name and number follow; no name is ever looked up to find it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "common/elf/image.h"
#include "common/support/address.h"

namespace hotpatch::kernel {

/// How a place is named to the kernel.
struct Identity {
  std::string_view name;
  std::uint32_t position = 0;  // 0: the only one; else from 1
  std::uint64_t offset = 0;    // bytes from the symbol to the place
};

class OwnerSymbols {
 public:
  /// `image` must outlive the product. For a module it is the file as if it were loaded, with its symbols in the file's order.
  OwnerSymbols(std::string owner, const elf::Image& image);

  [[nodiscard]] const std::string& owner() const noexcept { return owner_; }
  [[nodiscard]] const elf::Image& image() const noexcept { return image_; }

  /// The symbol at `address`: the one called `preferred` if it is there, else one whose name is unique. Where no symbol is, the nearest
  /// one below it in its section. Nothing for a place that no symbol leads to.
  [[nodiscard]] std::optional<Identity> identify(TargetAddr address, std::string_view preferred) const;
  /// Of vmlinux: a symbol at the very beginning of what moves with the kernel, and its distance to `address`; nothing if that does not
  /// move along. Until 6.2 the kernel looks a livepatch symbol up by walking all of its symbols in the order of their addresses, up to
  /// that one: this one costs next to nothing, and any other half of them on average.
  [[nodiscard]] std::optional<Identity> by_anchor(TargetAddr address) const;
  /// All names at exactly that address.
  [[nodiscard]] std::vector<std::string_view> names_at(TargetAddr address) const;
  /// The call of the tracer at the start of the function that begins at `entry`, by which the kernel can redirect it; nothing if it
  /// knows of none there.
  [[nodiscard]] std::optional<TargetAddr> call_site(TargetAddr entry) const noexcept;
  /// Whether the kernel overwrites the mark (ENDBR) that an indirect branch has to find at that entry, because nothing of its own code
  /// takes the address: CONFIG_X86_KERNEL_IBT, arch/x86/kernel/alternative.c, apply_seal_endbr().
  [[nodiscard]] bool is_sealed(TargetAddr entry) const noexcept;
  /// In memory that is freed after boot, or after the module has started.
  [[nodiscard]] bool is_init(TargetAddr address) const noexcept;

 private:
  struct Entry {
    TargetAddr address;
    std::string_view name;
  };
  void count(const std::vector<Entry>& ordered);
  void read_call_sites();
  void read_seals();
  [[nodiscard]] std::optional<std::uint32_t> position_of(std::string_view name, TargetAddr address) const;

  std::string owner_;
  const elf::Image& image_;
  std::vector<Entry> by_address_;
  std::unordered_map<std::string_view, std::vector<TargetAddr>> by_name_;  // in the kernel's order
  std::unordered_set<std::string_view> unsteady_;  // of a module: their numbers change when its start is over
  std::vector<TargetAddr> call_sites_;             // sorted
  std::vector<TargetAddr> seals_;                  // sorted
  std::optional<Entry> anchor_;
};

}  // namespace hotpatch::kernel

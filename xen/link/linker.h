// SPDX-License-Identifier: GPL-2.0-or-later
//
// One run of the linker: its steps in order, and what they hand to each other.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "xen/link/bind.h"
#include "xen/link/entries.h"
#include "xen/link/link.h"
#include "xen/link/nops.h"
#include "xen/link/output.h"
#include "xen/payload/hypervisor.h"

namespace hotpatch::xen {

class Linker {
 public:
  Linker(std::span<const LinkUnit> units, const Hypervisor& xen, const LinkOptions& options);
  Result<LinkedPayload> run();

 private:
  struct Spliced {
    std::size_t unit;
    extract::BlockIndex replacement;
    FunctionEntry entry;
  };

  void place_blocks();
  Result<> make_entries();
  Result<> add_descriptions();
  void apply_fixups();
  void apply(std::size_t unit, const extract::Block& block, const Placement& place, const extract::Fixup& fixup);
  void resolve_inside(const extract::Block& block, const Placement& place, const extract::Fixup& fixup, const BlockRef& target);
  void bind_outside(const extract::Block& block, const Placement& place, const extract::Fixup& fixup, TargetAddr address,
                    const std::string& name);
  /// Writes what the field holds when its place and its target have these addresses.
  void store(const extract::Block& block, const Placement& place, const extract::Fixup& fixup, TargetAddr target);
  /// Xen's bug frames keep a line number above a 24-bit displacement; false if the displacement does not fit.
  [[nodiscard]] bool fits_bug_frame(const extract::Block& block, const extract::Fixup& fixup, TargetAddr target,
                                    TargetAddr field) const;
  void fill_function_table();
  void fill_nops();
  Result<Bytes> write();
  void report_sections();
  /// The address of a function that the payload replaces is taken, which is that of the old entry.
  void check_pointer(std::size_t unit, const extract::Block& user, const BlockRef& replacement, TargetAddr entry);
  /// The address of something that only the payload has is taken.
  void check_new_pointer(std::size_t unit, const extract::Block& user, const BlockRef& target);
  void warn(const char* rule, std::size_t unit, const extract::Block& block, std::string text, std::string remedy);
  void refuse(const char* rule, const extract::Block& block, const extract::Fixup& fixup, std::string text, std::string remedy);

  std::span<const LinkUnit> units_;
  const Hypervisor& xen_;
  const LinkOptions& options_;
  LinkReport report_;
  Output output_;
  Bindings bindings_;
  std::map<BlockRef, Placement> placed_;
  std::vector<Spliced> spliced_;
  std::vector<NopEntry> nops_;                    // behind spliced_ in the table
  std::vector<std::uint64_t> name_offsets_;       // in kStringsSection, by spliced_, then nops_
  std::map<BlockRef, std::string> symbol_names_;  // of code blocks
  std::size_t current_unit_ = 0;                  // for messages
};

}  // namespace hotpatch::xen

// SPDX-License-Identifier: GPL-2.0-or-later
//
// One run of run-pre matching (prove.h). Sections are placed by the names of their symbols first; each placed section is compared, then
// its relocations are solved, which places further sections (constants and tables without a name), until nothing new is found.
// Tables that nothing refers to (alternatives, bug frames, exceptions) are searched for by what they refer to.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "common/prove/differences.h"
#include "common/prove/link_rules.h"
#include "common/prove/masked_bytes.h"
#include "common/prove/names.h"
#include "common/prove/prove.h"
#include "common/target/fixup.h"

namespace hotpatch::prove {

class Locator {
 public:
  /// All but the name must outlive this.
  Locator(const elf::Object& object, const elf::Image& image, std::string unit, LinkRules rules);
  /// Once only.
  Located run() &&;

 private:
  struct Named {  // a symbol with a name in the image
    elf::SymbolIndex symbol;
    std::vector<const elf::ImageSymbol*> candidates;
  };

  void find_candidates();
  void place_by_name();
  void place_by_solved_relocations();
  void place_by_search();
  void place(elf::SectionIndex index, TargetAddr base);
  /// The build writes the content anew.
  [[nodiscard]] bool is_derived(elf::SectionIndex index) const noexcept;
  void drain();
  void prove_sorted(elf::SectionIndex index, const LinkRule& rule);
  [[nodiscard]] bool is_of_overridden(std::span<const elf::Relocation> relocations) const;
  [[nodiscard]] std::optional<ByteView> sorted_table(const LinkRule& rule, TargetAddr& base) const;
  [[nodiscard]] bool is_record_at(const elf::Section& section, std::uint64_t offset, std::span<const elf::Relocation> relocations,
                                  ByteView record, TargetAddr place) const;
  void finish_symbols();
  void report_missing();
  void count_proven();

  [[nodiscard]] std::vector<TargetAddr> bases_by_vote(elf::SectionIndex index, bool with_weak = true) const;
  [[nodiscard]] std::optional<TargetAddr> known_target(const elf::Relocation& relocation) const;
  [[nodiscard]] std::vector<TargetAddr> search(elf::SectionIndex index, const elf::Relocation& anchor, TargetAddr target) const;
  [[nodiscard]] bool equal_at(elf::SectionIndex index, TargetAddr base) const;
  [[nodiscard]] bool relocations_agree(elf::SectionIndex index, TargetAddr base) const;
  void compare_names(elf::SectionIndex index, TargetAddr base);
  void compare_bytes(elf::SectionIndex index, TargetAddr base);
  void solve_relocations(elf::SectionIndex index);
  /// What the solved address says about the relocation's symbol; an empty text if it is what it must be.
  std::string settle(const elf::Relocation& relocation, TargetAddr solved);
  std::string settle_defined(const elf::Relocation& relocation, TargetAddr solved);
  std::string settle_merged(elf::SectionIndex section, std::uint64_t offset, TargetAddr address) const;
  std::string settle_base(elf::SectionIndex section, TargetAddr base);

  /// Merged by the linker piece by piece, so that it has no base of its own.
  [[nodiscard]] bool is_merged(elf::SectionIndex index) const;
  [[nodiscard]] bool is_weak_elsewhere(elf::SymbolIndex index) const;
  void report(elf::SectionIndex section, std::uint64_t offset, std::string reason);

  const elf::Object& object_;
  const elf::Image& image_;
  LinkRules rules_;
  Names names_;
  Differences differences_;
  Located out_;
  std::vector<std::vector<Named>> named_;     // by section
  std::vector<Ranges> differing_;             // by section: symbols' ranges whose relocations prove nothing
  std::vector<elf::SectionIndex> queue_;      // placed, relocations not yet solved
  std::vector<elf::SectionIndex> ambiguous_;  // several places fit
};

}  // namespace hotpatch::prove

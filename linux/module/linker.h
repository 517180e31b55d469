// SPDX-License-Identifier: GPL-2.0-or-later
//
// One run of the maker: its steps in order, and what they hand to each other.
#pragma once

#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "linux/module/bind.h"
#include "linux/module/module.h"
#include "linux/module/output.h"
#include "linux/module/sites.h"
#include "linux/module/wrapper.h"

namespace hotpatch::kernel {

/// An object of C for the kernel (the wrapper, the user's hooks) and where its sections went.
struct MergedObject {
  const elf::Object* object = nullptr;
  std::vector<std::optional<Placement>> sections;
};

class Linker {
 public:
  Linker(const std::vector<ModuleUnit>& units, const TargetKernel& target, const ModuleOptions& options);
  Result<LivepatchModule> run(const WrapperCompiler& compile);

 private:
  struct Replacement {
    BlockRef block;
    KernelPlace original;
    std::uint64_t original_size = 0;
    std::optional<Placement> gate;
  };
  struct Range {
    GateRange description;
    KernelPlace begin;
    std::string owner;  // whose arrival the place waits for
  };

  // linker.cc
  void list_functions();
  [[nodiscard]] WrapperPlan plan_wrapper() const;
  void apply_fixups();
  void apply(std::size_t unit, extract::BlockIndex block, const Placement& field, const extract::Fixup& fixup);
  void refer_inside(const Placement& field, target::FixupKind kind, const Placement& target, std::int64_t addend);
  void refer_outside(const Placement& field, target::FixupKind kind, const KernelPlace& place, std::int64_t addend,
                     const std::string& user_owner);
  [[nodiscard]] bool is_sealed(const KernelPlace& place);
  [[nodiscard]] bool takes_address(std::size_t unit, const extract::Block& block, const extract::Fixup& fixup) const noexcept;
  void refuse(const char* rule, std::size_t unit, const extract::Block& block, std::string text, std::string remedy);
  void warn(const char* rule, std::size_t unit, const extract::Block& block, std::string text, std::string remedy);

  // linker_text.cc: what lies where in .text, and the stubs
  void place_text();
  void place_owner(const std::string& owner);
  void place_data();
  void add_stubs(const std::string& owner);
  [[nodiscard]] const KernelPlace* stub_target(std::size_t unit, extract::BlockIndex block, const extract::Fixup& fixup) const;
  /// The unwinder's record for the state at a function's entry, as the target writes it; empty if the target has none.
  [[nodiscard]] Bytes entry_unwind_record() const;
  void add_unwind_record(const Placement& code, ByteView record);

  // linker_tables.cc: records of functions, and what becomes of those whose key is a module's
  void place_tables();
  void place_table(std::size_t unit, extract::BlockIndex block);
  [[nodiscard]] const KernelPlace* module_key(std::size_t unit, const extract::Block& table, std::size_t record) const;
  /// A copy of the descriptor of dynamic debugging that the key is in, so that the key is the module's own; nothing if it is in none.
  std::optional<Placement> copied_descriptor(const KernelPlace& key);
  bool convert_branch(std::size_t unit, const extract::Block& table, std::size_t record, const KernelPlace& key);
  [[nodiscard]] Bytes unwind_record_at(std::size_t unit, const CodePlace& place) const;

  // linker_gates.cc: the consistency "kernel"
  Result<> list_ranges();
  /// In front of the replacing function's block. The product is where the gate is.
  Placement add_gate(const Replacement& function);
  [[nodiscard]] std::vector<KernelPlace> cold_parts(const Replacement& function, const OwnerSymbols& symbols,
                                                    std::vector<std::uint64_t>& sizes) const;
  [[nodiscard]] std::optional<Placement> gate_symbol(std::string_view name) const;
  [[nodiscard]] Placement entry_of(const Replacement& function) const;

  // linker_merge.cc: the wrapper and the hooks
  void merge(const elf::Object& object);
  Result<> relocate_merged();
  Result<> relocate_merged(const MergedObject& merged, std::size_t section, const elf::Relocation& relocation);
  [[nodiscard]] std::optional<Placement> merged_definition(std::string_view name) const;

  // linker_write.cc: descriptions, symbols, the file
  void add_descriptions();
  Result<Bytes> write();
  void report_sections();

  const std::vector<ModuleUnit>& units_;
  const TargetKernel& target_;
  const ModuleOptions& options_;
  Owners owners_;
  Bindings bindings_;
  std::vector<Sites> sites_;  // by unit
  ModuleReport report_;
  Output output_;
  std::vector<Replacement> functions_;
  std::vector<Range> ranges_;
  std::map<BlockRef, Placement> placed_;
  using StubKey = std::tuple<std::string, std::string, std::string, std::uint32_t>;  // user's owner; owner, name, position
  std::map<StubKey, Placement> stubs_;
  std::map<std::pair<std::string, TargetAddr>, Placement> descriptors_;  // copies, by owner and place of the original
  std::vector<MergedObject> merged_;
};

}  // namespace hotpatch::kernel

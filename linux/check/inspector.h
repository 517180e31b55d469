// SPDX-License-Identifier: GPL-2.0-or-later
//
// The rules of check_module(), one group after the other.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "linux/check/check.h"

namespace hotpatch::kernel {

class Inspector {
 public:
  Inspector(const RawModule& module, const CheckTarget& target) : module_(module), target_(target) {}
  void check_description();
  void check_exports();
  Result<> check_relocations();
  Result<> check_functions();
  void check_tables();
  [[nodiscard]] ModuleCheck product() && { return std::move(product_); }

 private:
  /// What a relocation of an ordinary table leads to.
  struct Reference {
    std::size_t section = 0;     // in the module
    std::int64_t offset = 0;     // bytes in it, of the place itself; the pc bias is the caller's affair
    std::string_view undefined;  // or else the symbol
  };
  struct Found {
    TargetAddr address;
    std::size_t count = 0;
  };

  void refuse(const char* rule, const std::string& section, std::string text);
  [[nodiscard]] std::string_view text_of(std::size_t section) const { return module_.sections[section].name; }
  Result<> check_livepatch_table(std::size_t table);
  void check_place(std::size_t table, const RawRelocation& relocation, std::size_t width);
  /// The N-th symbol of that name of vmlinux or of a module, as the kernel would find it; kNotFound with the kernel's reason.
  Result<TargetAddr> resolve(const std::string& object, const std::string& name, std::uint64_t position);
  Result<const std::vector<std::pair<std::string_view, TargetAddr>>*> ordered_symbols(const std::string& object);
  [[nodiscard]] const Reference* reference_at(std::size_t section, std::uint64_t offset) const;
  [[nodiscard]] bool is_executable(std::size_t section) const;
  void check_table(std::string_view name, std::uint64_t record, const std::vector<std::uint64_t>& fields);
  void check_instructions(std::string_view name, std::uint64_t record, const std::vector<std::string_view>& starts);
  void check_bugs(std::uint64_t record);
  [[nodiscard]] bool loads_address(const Reference& end, std::size_t table, std::uint64_t at) const;
  [[nodiscard]] std::uint64_t record_size(std::string_view type, std::uint64_t usual) const;

  const RawModule& module_;
  const CheckTarget& target_;
  ModuleCheck product_;
  std::map<std::string, std::vector<std::pair<std::string_view, TargetAddr>>> ordered_;
  std::map<std::pair<std::size_t, std::uint64_t>, Reference> references_;  // by section and offset
  std::set<std::pair<std::size_t, std::uint64_t>> places_;                 // of all relocations
};

}  // namespace hotpatch::kernel

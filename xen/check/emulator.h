// SPDX-License-Identifier: GPL-2.0-or-later
//
// The steps of Xen 4.17's loader (common/livepatch_elf.c, common/livepatch.c, arch/x86/livepatch.c, arch/x86/alternative.c) in its order,
// each with the conditions that it tests and the errors that it gives. A step that would read or write what is not mapped, or that ends
// in a BUG(), is a crash.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "xen/check/check.h"
#include "xen/check/memory.h"
#include "xen/check/raw_file.h"

namespace hotpatch::xen::check {

/// struct livepatch_func after relocation.
struct LoadedFunction {
  TargetAddr place;  // of the entry
  std::uint64_t name = 0;
  std::string name_text;
  TargetAddr new_addr;
  TargetAddr old_addr;  // 0: looked up by its name in a hypervisor that is not seen
  std::uint32_t new_size = 0;
  std::uint32_t old_size = 0;
  std::uint8_t version = 0;
  std::uint8_t expect_flags = 0;
  Bytes expect;  // of the length that expect_flags says
};

struct Region {
  TargetAddr begin;
  std::uint64_t size = 0;
  [[nodiscard]] bool contains(TargetAddr address, std::uint64_t count = 1) const noexcept {
    return address >= begin && address - begin <= size && count <= size - (address - begin);
  }
};

/// One symbol that Xen looks up by name.
struct UndefinedSymbol {
  std::string name;
  TargetAddr address;
};

class Emulator {
 public:
  Emulator(ByteView file, const Hypervisor& xen, TargetAddr load_address, Diagnostics& findings)
      : file_(file), xen_(xen), load_address_(load_address), findings_(findings), memory_(xen) {}

  /// Upload. The answer is in upload().
  void run();

  [[nodiscard]] const Answer& upload() const noexcept { return answer_; }
  /// Whether the sections, their names and the symbols could be read.
  [[nodiscard]] bool has_sections() const noexcept { return has_sections_; }
  /// Whether the payload lay relocated in memory, its functions known.
  [[nodiscard]] bool is_prepared() const noexcept { return is_prepared_; }
  [[nodiscard]] const std::vector<RawSection>& sections() const noexcept { return sections_; }
  [[nodiscard]] const std::vector<RawSymbol>& symbols() const noexcept { return symbols_; }
  [[nodiscard]] const std::vector<LoadedFunction>& functions() const noexcept { return functions_; }
  [[nodiscard]] const std::vector<UndefinedSymbol>& undefined() const noexcept { return undefined_; }
  [[nodiscard]] const Memory& memory() const noexcept { return memory_; }
  [[nodiscard]] const Region& text() const noexcept { return text_; }
  [[nodiscard]] const Region& writable() const noexcept { return writable_; }
  [[nodiscard]] const Region& read_only() const noexcept { return read_only_; }
  [[nodiscard]] bool is_reappliable() const noexcept { return is_reappliable_; }
  /// The first section of that name, as Xen takes it.
  [[nodiscard]] const RawSection* find(std::string_view name) const noexcept;
  /// The section's bytes in the file; nothing for NOBITS.
  [[nodiscard]] ByteView contents(const RawSection& section) const noexcept;
  /// Of Xen's own table of names. 0: not there, or the hypervisor is not seen.
  [[nodiscard]] TargetAddr look_up(std::string_view name) const;

 private:
  // Each step says whether the loader goes on.
  bool check_envelope();
  bool check_header();
  bool read_sections();
  bool check_section(std::size_t number, const RawSection& section);
  bool find_symbol_table();
  bool read_names();
  bool read_symbols();
  bool move();
  bool copy_sections(const std::vector<std::uint64_t>& offsets);
  bool resolve();
  bool relocate();
  bool apply_relocations(const RawSection& table, const RawSection& base);
  bool apply_relocation(const RawRela& rela, const RawSection& base, const std::string& place);
  bool check_mandatory();
  bool check_patching();
  bool prepare_functions();
  bool prepare_function(std::size_t number, TargetAddr place);
  bool verify_function(const LoadedFunction& function, const std::string& place);
  bool prepare_hooks();
  bool prepare_note(std::string_view name);
  bool prepare_bug_frames();
  bool prepare_alternatives();
  bool check_alternative(const RawSection& replacement, TargetAddr entry, const std::string& place);
  bool apply_alternative(TargetAddr entry, const std::string& place);
  bool prepare_alternative_calls();
  bool read_call_pointer(TargetAddr call, const std::string& place);
  bool prepare_exceptions();
  bool prepare_metadata();
  bool compare_build_id();
  bool build_symbols();

  bool verify_strings(const RawSection& section, const char* what);
  bool section_ok(const RawSection& section, std::uint64_t unit);
  bool refuse(int error, const char* step, std::string reason, std::string place);
  bool crash(const char* rule, const char* step, std::string reason, std::string place);
  [[nodiscard]] std::string describe(std::size_t section) const;
  void load_names();

  ByteView file_;
  const Hypervisor& xen_;
  TargetAddr load_address_;
  Diagnostics& findings_;
  Memory memory_;
  Answer answer_;
  RawHeader header_;
  std::vector<RawSection> sections_;
  std::vector<RawSymbol> symbols_;
  std::vector<LoadedFunction> functions_;
  std::vector<UndefinedSymbol> undefined_;
  std::unordered_map<std::string, TargetAddr> names_;  // Xen's table
  std::size_t symbol_table_ = 0;
  Region text_;
  Region writable_;
  Region read_only_;
  bool has_sections_ = false;
  bool is_prepared_ = false;
  bool is_reappliable_ = false;
};

/// "EINVAL"
[[nodiscard]] const char* error_name(int error) noexcept;

}  // namespace hotpatch::xen::check

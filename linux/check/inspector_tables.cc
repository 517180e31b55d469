// SPDX-License-Identifier: GPL-2.0-or-later
//
// The functions that the module replaces, and its side tables, entry by entry.
#include <elf.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "linux/check/inspector.h"

namespace hotpatch::kernel {
namespace {

constexpr std::array<std::byte, 2> kUd2 = {std::byte{0x0f}, std::byte{0x0b}};

// arch/x86/include/asm/bug.h, __WARN_bug_entry(), since 6.19: a warning with arguments is a call of __WARN_trap, and its record is passed
// to it. The record's site is what follows "lea record(%rip), %reg"; nothing is trapped there. Entries have a format since then.
constexpr std::uint64_t kBugWithFormat = 16;
constexpr std::uint16_t kBugHasArguments = 1U << 4;  // include/asm-generic/bug.h, BUGFLAG_ARGS
constexpr std::uint64_t kLeaSize = 7;
constexpr std::uint64_t kLeaField = 4;  // bytes before its end

}  // namespace

Result<> Inspector::check_functions() {
  const auto text = module_.find(".text");
  if (!text) return {};
  std::set<std::uint64_t> entries;
  for (const auto& [key, value] : product_.info) {
    if (key != kFunctionKey) continue;
    const std::size_t space = value.find(' ');
    const std::size_t comma = value.rfind(',');
    if (space == std::string::npos || comma == std::string::npos || comma < space) {
      refuse("HP154-function", ".modinfo", "\"" + value + "\" names no function");
      continue;
    }
    CheckedFunction function;
    function.object = value.substr(0, space);
    function.name = value.substr(space + 1, comma - space - 1);
    const std::string digits = value.substr(comma + 1);
    std::from_chars(digits.data(), digits.data() + digits.size(), function.position);
    const auto address = resolve(function.object, function.name, function.position);
    if (!address && address.error().code() != Errc::kNotFound) return tl::unexpected(address.error());
    if (!address) {
      refuse("HP154-function", ".modinfo", value + ": " + address.error().message());
      continue;
    }
    function.old_address = *address;
    // The livepatch core asks kallsyms how large the new function is: it must have a symbol, and one that the table of functions uses.
    const auto symbol = std::ranges::find_if(module_.symbols, [&](const RawSymbol& candidate) {
      return candidate.section == *text && candidate.name == function.name && !entries.contains(candidate.value);
    });
    if (symbol == module_.symbols.end()) {
      refuse("HP154-function", ".text", function.name + " has no symbol in the module");
      continue;
    }
    function.new_offset = symbol->value;
    entries.insert(symbol->value);
    const bool is_used = std::ranges::any_of(references_, [&](const auto& entry) {
      const RawSection& user = module_.sections[entry.first.first];
      return entry.second.undefined.empty() && entry.second.section == *text && (user.flags & SHF_WRITE) != 0 &&
             entry.second.offset == static_cast<std::int64_t>(symbol->value);
    });
    if (!is_used) refuse("HP154-function", ".data", function.name + " is not in the table that the livepatch core reads");
    product_.functions.push_back(std::move(function));
  }
  if (entries.empty()) return {};
  // A thread counts as being in the patch if it is between a function and the next symbol: none may cut off what belongs to it.
  for (const RawSymbol& symbol : module_.symbols)
    if (symbol.section == *text && !symbol.name.empty() && symbol.value > *entries.begin() && !entries.contains(symbol.value))
      refuse(
          "HP155-stack-check", ".text",
          std::string(symbol.name) + " has a symbol behind replacing functions: code behind it would not count as the patch's");
  return {};
}

std::uint64_t Inspector::record_size(std::string_view type, std::uint64_t usual) const {
  const auto known =
      std::ranges::find(target_.record_sizes, "struct " + std::string(type), &std::pair<std::string, std::uint64_t>::first);
  return known == target_.record_sizes.end() ? usual : known->second;
}

/// Whole records, and in each a reference to code at those offsets.
void Inspector::check_table(std::string_view name, std::uint64_t record, const std::vector<std::uint64_t>& fields) {
  const auto number = module_.find(name);
  if (!number) return;
  const RawSection& section = module_.sections[*number];
  if (section.contents.size() % record != 0)
    return refuse("HP156-table", std::string(name), "is not made of whole records of " + std::to_string(record) + " bytes");
  for (std::uint64_t at = 0; at < section.contents.size(); at += record) {
    ++product_.table_records;
    for (const std::uint64_t field : fields) {
      const Reference* reference = reference_at(*number, at + field);
      const std::string where = std::string(name) + "+" + hex(at + field);
      if (reference == nullptr || !reference->undefined.empty() || !is_executable(reference->section)) {
        refuse("HP156-table", where, "does not refer to code of the module");
        continue;
      }
      // An empty replacement, and the place where a function's unwinding ends, may be behind the last byte.
      const bool may_be_end = name == ".orc_unwind_ip" || (name == ".altinstructions" && field != 0);
      const std::uint64_t limit = module_.sections[reference->section].size + (may_be_end ? 1 : 0);
      if (reference->offset < 0 || static_cast<std::uint64_t>(reference->offset) >= limit)
        refuse("HP156-table", where, "refers to a place outside of the module's code");
    }
  }
}

/// Each record's first field refers to an instruction that begins with one of those.
void Inspector::check_instructions(std::string_view name, std::uint64_t record, const std::vector<std::string_view>& starts) {
  const auto number = module_.find(name);
  if (!number) return;
  for (std::uint64_t at = 0; at + record <= module_.sections[*number].contents.size(); at += record) {
    const Reference* reference = reference_at(*number, at);
    if (reference == nullptr || reference->section >= module_.sections.size() || reference->offset < 0) continue;
    const std::string_view code = as_text(module_.sections[reference->section].contents);
    const auto place = static_cast<std::uint64_t>(reference->offset);
    if (place >= code.size()) continue;
    const auto fits = [&](std::string_view start) { return code.substr(place).starts_with(start); };
    if (std::ranges::none_of(starts, fits))
      refuse("HP156-table", std::string(name) + "+" + hex(at), "refers to an instruction that is not one of its kind");
  }
}

/// A trap at each site, or the instruction that loads the record's own address before it.
void Inspector::check_bugs(std::uint64_t record) {
  const auto number = module_.find("__bug_table");
  if (!number) return;
  const ByteView table = module_.sections[*number].contents;
  for (std::uint64_t at = 0; at + record <= table.size(); at += record) {
    const Reference* reference = reference_at(*number, at);
    if (reference == nullptr || reference->section >= module_.sections.size() || reference->offset < 0) continue;
    const std::string_view code = as_text(module_.sections[reference->section].contents);
    const auto place = static_cast<std::uint64_t>(reference->offset);
    if (place > code.size()) continue;
    const auto flags = load_le<std::uint16_t>(table, at + record - sizeof(std::uint16_t));
    const bool has_arguments = record == kBugWithFormat && (flags & kBugHasArguments) != 0;
    if (has_arguments ? !loads_address(*reference, *number, at) : !code.substr(place).starts_with(as_text(kUd2)))
      refuse("HP156-table", "__bug_table+" + hex(at),
             has_arguments ? "is of a warning with arguments, and its address is not loaded before its site"
                           : "refers to an instruction that is not one of its kind");
  }
}

/// Whether "lea table+at(%rip), %reg" ends at that place.
bool Inspector::loads_address(const Reference& end, std::size_t table, std::uint64_t at) const {
  const ByteView code = module_.sections[end.section].contents;
  const auto place = static_cast<std::uint64_t>(end.offset);
  if (place < kLeaSize) return false;
  const auto byte = [&](std::uint64_t index) { return std::to_integer<unsigned>(code[place - kLeaSize + index]); };
  const bool is_lea = (byte(0) & 0xfbU) == 0x48U && byte(1) == 0x8dU && (byte(2) & 0xc7U) == 0x05U;
  const Reference* loaded = reference_at(end.section, place - kLeaField);
  return is_lea && loaded != nullptr && loaded->undefined.empty() && loaded->section == table &&
         loaded->offset == static_cast<std::int64_t>(at) - static_cast<std::int64_t>(kLeaField);
}

void Inspector::check_tables() {
  const std::uint64_t alternative = record_size("alt_instr", 12);
  const std::uint64_t bug = record_size("bug_entry", 12);
  const std::uint64_t exception = record_size("exception_table_entry", 12);
  const std::uint64_t jump = record_size("jump_entry", 16);
  check_table(".altinstructions", alternative, {0, 4});
  check_table("__bug_table", bug, {0});
  check_table("__ex_table", exception, {0, 4});
  check_table("__jump_table", jump, jump == 16 ? std::vector<std::uint64_t>{0, 4} : std::vector<std::uint64_t>{0, 8});
  check_table(".static_call_sites", 8, {0});
  check_table(".parainstructions", record_size("paravirt_patch_site", 16), {0});
  check_table("__mcount_loc", 8, {0});
  for (const std::string_view sites : {".smp_locks", ".retpoline_sites", ".return_sites", ".call_sites", ".orc_unwind_ip"})
    check_table(sites, 4, {0});
  check_bugs(bug);
  check_instructions("__mcount_loc", 8, {std::string_view("\xe8", 1)});
  check_instructions(".return_sites", 4, {std::string_view("\xe9", 1)});
  check_instructions(".static_call_sites", 8, {std::string_view("\xe8", 1), std::string_view("\xe9", 1)});

  const auto places = module_.find(".orc_unwind_ip");
  const auto records = module_.find(".orc_unwind");
  const std::uint64_t orc = record_size("orc_entry", 6);
  const std::uint64_t place_count = places ? module_.sections[*places].size / 4 : 0;
  const std::uint64_t record_count = records ? module_.sections[*records].size / orc : 0;
  if (place_count != record_count || (records && module_.sections[*records].size % orc != 0))
    refuse("HP156-table", ".orc_unwind",
           "has " + std::to_string(record_count) + " records for " + std::to_string(place_count) + " places");
}

}  // namespace hotpatch::kernel

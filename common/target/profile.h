// SPDX-License-Identifier: GPL-2.0-or-later
//
// Everything the core needs to know about an operating system, as data: a new target is a new constant (xen/profile.cc), and common/
// never asks which one it has been given.
//
// To add a target: list every allocated section of its objects in exactly one of the tables below; a section that is in none and does
// not follow the -ffunction-sections naming is "unknown", and a change in it is a finding.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/support/consistency.h"

namespace hotpatch::target {

/// What one field of a record means.
enum class FieldKind : std::uint8_t {
  kOwner,  // refers to the code that the record belongs to
  kCode,   // refers to other code: an exception's handler, a replacement
  kKey,    // refers to data or code whose identity matters
  kBits,   // plain bits, compared as they are
  kLine,   // a line number: exempt from comparison
};

struct Field {
  std::uint16_t offset;  // bytes from the start of the record
  std::uint16_t size;    // bytes
  FieldKind kind;
  std::string_view name;  // for messages
  /// The top bits of the field that carry a line number, which is exempt from comparison. The displacement is what is left, signed.
  std::uint8_t line_bits = 0;
  /// The field counts from the start of the record, not from its own place.
  bool from_record_start = false;
};

/// One row of the table of sections whose records belong to functions. A section whose format has changed over time has several rows, the
/// likeliest first: the one counts whose size and references fit what the section holds, and of several that do the one whose size is
/// the section's sh_entsize, or that of `type` in the debugging information.
struct SpecialSection {
  std::string_view name;
  std::uint32_t record_size;  // bytes
  std::span<const Field> fields;
  std::string_view companion;  // section of code that its kCode fields refer to, if not to the function itself; empty: none
  /// Offset in the record of the byte that holds the length of the companion's piece; -1: the piece ends with the first jump or return.
  std::int8_t companion_length_at;
  /// Offset in the record of the byte that holds how many bytes at the owner the target rewrites at boot; -1: none.
  std::int8_t rewritten_length_at;
  std::string_view type = {};      // the struct that a record is, as the target's source calls it; empty: it has no name
  std::uint32_t least_size = 0;    // bytes that the last record may be cut down to, where nothing pads it; 0: it may not
  std::string_view parallel = {};  // record N belongs to whatever record N of that section belongs to; then no field is kOwner
};

/// A family of sections that the compiler or a macro makes, and what a change in one of them means.
enum class SectionRole : std::uint8_t {
  kDiscarded,  // never part of the image
  kMetadata,   // compiler's notes: no meaning at run time
  kInit,       // freed after boot: cannot be patched
  kPerCpu,     // per-CPU data: a payload cannot add or resize any
  kBootTable,  // read once at boot (initcalls, parameters)
  kEntryCode,  // entered by hardware, not by a call: cannot be spliced
  kHooks,      // functions or pointers that the payload brings for its own life cycle: kept whole
  kCompanion,  // code or data that belongs to the records of a special section
  kReadOnly,   // constant data that a flag calls writable because the compiler expects a dynamic linker (.data.rel.ro)
  kPlain,      // ordinary code or data under a name of the target's own
  kPrivate,    // made anew for each use by the compiler: a copy is as good as the original
  kUntraced,   // code that the target cannot redirect
};
struct SectionRule {
  std::string_view pattern;  // a name, or a prefix if it ends in '*'
  SectionRole role;
};

/// A line number in data that has a section or a private_static of its own.
struct DataLine {
  std::string_view pattern;  // the section's name, or a prefix if it ends in '*'
  std::uint16_t offset;      // bytes from the start of the object
  std::uint32_t mask;        // of the little-endian 32 bits there: what is the line's
};

/// A function that is told the number of the line that it was called from. Whatever it is told, it does nothing with it but print it.
struct LineArgument {
  std::string_view callee;
  std::uint8_t argument;         // which of its arguments, counted from 1, at most 6
  std::string_view format = {};  // of one that takes any arguments: the text with which this one is a line's
};

using hotpatch::Consistency;
using hotpatch::Leave;
using hotpatch::Switch;

struct Profile {
  std::string_view name;  // "xen-x86_64"
  std::span<const SpecialSection> special_sections;
  std::span<const SectionRule> section_rules;
  /// Static objects which the compiler or a macro makes anew for each use, by their names without numbers ("__func__", "CSWTCH"): where
  /// the original's cannot be told, or has another content, a copy is right.
  std::span<const std::string_view> private_statics;
  std::uint32_t splice_size;       // bytes that the splice overwrites at a function's entry, after an ENDBR64 if there is one
  bool references_outlive_revert;  // addresses taken of patched functions must be those of the original entries
  /// Names of which macros make one for each use by a number at the end, without a dot: "__UNIQUE_ID_".
  std::span<const std::string_view> numbered_prefixes = {};
  /// Names in the midst of which macros put the number of the use, and that of the line, as "__433_1423_": "__initcall__".
  std::span<const std::string_view> counted_prefixes = {};
  std::span<const DataLine> data_lines = {};
  /// Symbols that name what stands right before a function and belongs to it: "__pfx_".
  std::span<const std::string_view> prefix_symbols = {};
  /// Where each function that can be redirected shows itself: sections that hold its entry, and functions that it calls first. Both
  /// empty: every function can be.
  std::span<const std::string_view> entry_sections = {};
  std::span<const std::string_view> entry_calls = {};
  /// Where the linker script puts data that stays writable for good, by names without the variables' own.
  std::span<const std::string_view> writable_storage = {};
  std::span<const LineArgument> line_arguments = {};
  /// Of the boot tables, those that say by which names other modules find things: sections' names begin so.
  std::span<const std::string_view> export_sections = {};
  Consistency consistency = {};  // what the target's own switch to the patched code provides
  /// Code that runs while the target patches itself, or in a context that it cannot hold off meanwhile. One that ends in '*' is a prefix.
  std::span<const std::string_view> patching_path = {};
  /// Functions by which a thread's main loop asks whether to end, and those that are given a thread's main function.
  std::span<const std::string_view> thread_loop_calls = {};
  std::span<const std::string_view> thread_start_calls = {};
  /// Functions that leave something encoded for code that runs later, in a call that the caller repeats.
  std::span<const std::string_view> continuation_calls = {};
  /// Data that makes a message or a warning appear once, by the names without numbers.
  std::span<const std::string_view> once_flags = {};
};

/// The rule that the name falls under; nothing if it falls under none. The first match counts.
[[nodiscard]] const SectionRule* find_rule(const Profile& profile, std::string_view section_name) noexcept;
/// The one of numbered_prefixes that the symbol's name begins with; empty if it begins with none.
[[nodiscard]] std::string_view numbered_prefix(const Profile& profile, std::string_view symbol_name) noexcept;
/// A name with one of counted_prefixes without its numbers: "__initcall__kmod_acpi__#_#_acpi_init4". Empty for any other.
[[nodiscard]] std::string without_counter(const Profile& profile, std::string_view symbol_name);
/// Whether one of the names, or of the prefixes that end in '*', is that of `name`.
[[nodiscard]] bool is_listed(std::span<const std::string_view> names, std::string_view name) noexcept;
/// The first row of the section; the others follow it.
[[nodiscard]] const SpecialSection* find_special(const Profile& profile, std::string_view section_name) noexcept;
/// All rows of the section.
[[nodiscard]] std::vector<const SpecialSection*> find_specials(const Profile& profile, std::string_view section_name);
/// Whether the symbol, whose name without the compiler's numbers is `base`, is one of private_statics; "f.NAME" is as well.
[[nodiscard]] bool is_private_static(const Profile& profile, std::string_view base) noexcept;
/// The line fields of data in the section.
[[nodiscard]] std::vector<DataLine> find_data_lines(const Profile& profile, std::string_view section_name);

}  // namespace hotpatch::target

// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the side tables of a unit say of its code: where the kernel rewrites instructions, and where it insists on what it finds there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/extract/patch_object.h"
#include "common/target/profile.h"

namespace hotpatch::kernel {

using RecordSizes = std::vector<std::pair<std::string, std::uint64_t>>;  // "struct alt_instr" -> bytes

/// The format of a table's records in the kernel that has these sizes. Null for a table that the profile does not know.
[[nodiscard]] const target::SpecialSection* record_format(std::string_view table, const RecordSizes& sizes);

/// A field of a record that refers to code of the unit.
struct CodePlace {
  extract::BlockIndex block;
  std::uint64_t offset = 0;  // bytes from the block's start
};

/// The fixup of `field` in record `number` of the table, if it has one.
[[nodiscard]] const extract::Fixup* field_fixup(const extract::Block& table, const target::SpecialSection& format,
                                                std::size_t number, const target::Field& field);
/// What the field refers to, if it is code of the unit itself.
[[nodiscard]] std::optional<CodePlace> code_of(const extract::Block& table, const target::SpecialSection& format,
                                               std::size_t number, const target::Field& field);
/// The record's field of that kind: of several the first.
[[nodiscard]] const target::Field* field_of(const target::SpecialSection& format, target::FieldKind kind) noexcept;

class Sites {
 public:
  Sites(const extract::PatchObject& patch, const RecordSizes& sizes);
  /// The kernel rewrites one of these bytes when it loads the module, or when a key changes: what is relocated later spoils that, or is
  /// lost.
  [[nodiscard]] bool is_rewritten(extract::BlockIndex block, std::uint64_t offset, std::uint64_t size) const noexcept;
  /// The instruction that holds this field must lead to the very function that it names: a stub would not be recognised.
  [[nodiscard]] bool is_direct(extract::BlockIndex block, std::uint64_t offset) const noexcept;

 private:
  struct Range {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
  };
  static bool hits(const std::vector<Range>& ranges, std::uint64_t begin, std::uint64_t end) noexcept;
  std::vector<std::vector<Range>> rewritten_;  // by block
  std::vector<std::vector<Range>> direct_;
};

}  // namespace hotpatch::kernel

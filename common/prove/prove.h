// SPDX-License-Identifier: GPL-2.0-or-later
//
// Run-pre matching: the proof that an object, as rebuilt, is in the linked image, and the addresses that follow from it.
//
// For every function and object of the rebuilt file: find its place in the image (by name under the FILE symbol, else by name), compare
// its bytes with the fields of relocations masked, and solve every relocation for the address of its target. All uses of one target must
// agree, and where the target has a name in the image the solved address must be that symbol's. What comes out is an address for every
// section and symbol that the object's code can refer to, none of them guessed from a name alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/elf/image.h"
#include "common/elf/object.h"
#include "common/prove/link_rules.h"
#include "common/support/address.h"
#include "common/support/result.h"

namespace hotpatch::prove {

/// The first difference between a rebuilt symbol and the image.
struct Mismatch {
  std::string symbol;        // of the section, if no symbol is there
  std::uint64_t offset = 0;  // bytes from the symbol's start; also for a relocation, where its field is
  Bytes rebuilt;             // up to 16 bytes at the offset
  Bytes image;
  std::string reason;  // "bytes differ", "not in the image", "R_X86_64_PLT32 to foo leads to bar"
};

/// Where one rebuilt object lies in the image. Indices are those of that object.
struct Located {
  std::string unit;  // "common/domain.o"
  std::vector<std::optional<TargetAddr>>
      section_address;  // where the section's byte 0 is; nothing for merged or dropped sections
  std::vector<std::optional<TargetAddr>> symbol_address;
  std::uint32_t proven_functions = 0;
  std::uint64_t proven_bytes = 0;
  std::vector<std::string> absent;   // functions that the link dropped (unlinked archive members), or that another unit overrides
  std::vector<Mismatch> mismatches;  // empty: proven
};

/// `unit` is the object's name in the build ("common/domain.o"): for messages, and to tell units of one file name apart. The product's
/// mismatches are at most one for each symbol, those of code and data with a name first. Symbols that were neither placed nor solved
/// have no address. Fails (kInvalid) only for an object that cannot be compared at all; differences are in the product.
/// `rules` say what the target's link does to some sections; it must outlive the call.
Result<Located> locate(const elf::Object& rebuilt, const elf::Image& image, std::string unit, LinkRules rules = {});

}  // namespace hotpatch::prove

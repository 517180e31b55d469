// SPDX-License-Identifier: GPL-2.0-or-later
//
// The compilation units that a linked image or a partially linked object was made of, as their debugging information names them: the
// first entry of each unit, and nothing else. An image has thousands of units and hundreds of megabytes of debugging information, of
// which this looks at some pages; a general reader of DWARF would first apply every relocation.
//
// Works on a file's raw bytes, so that a caller who has thousands of files in memory one after the other need not have them parsed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/support/build_id.h"
#include "common/support/bytes.h"
#include "common/support/result.h"

namespace hotpatch::elf {

struct UnitName {
  std::string_view name;       // DW_AT_name, as the compiler was told: "fs/proc/cmdline.c", or an absolute path
  std::string_view directory;  // DW_AT_comp_dir
  std::string_view producer;   // DW_AT_producer: the compiler's version and the options that shape code; "GNU AS 2.40"
};

struct UnitNames {
  std::vector<UnitName> units;  // in the file's order; the views point into the file's bytes
  BuildId build_id;             // empty if the file has none
};

/// DWARF 4 and 5 in an ELF64 little-endian file, not compressed; partial units and type units are passed over. Relocations of the
/// fields that are read are taken into account. kNotFound if there is no .debug_info; kMalformed with the offset of the unit that
/// contradicts itself; kUnsupported for another version or a form that no producer uses in a unit's first entry.
Result<UnitNames> read_unit_names(ByteView file, const std::string& name);

}  // namespace hotpatch::elf

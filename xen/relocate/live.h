// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a payload that is loaded at an address consists of there, to the byte: for the one who asks what runs, and for debuggers.
//
// All of it follows from the payload file and the load address, but for what Xen itself writes while it takes the upload: at the sites of
// alternatives, by the features of the CPU, and at alternative calls, by the pointer that they go through then. These ranges are told,
// not guessed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/elf/object.h"
#include "common/support/address.h"
#include "common/support/bytes.h"
#include "common/support/result.h"

namespace hotpatch::xen {

struct LiveRange {
  std::string name;  // of a section; empty for what Xen writes
  std::uint64_t address = 0;
  std::uint64_t size = 0;  // bytes
};

struct LiveFunction {
  std::string name;
  std::uint64_t old_addr = 0;
  std::uint32_t old_size = 0;             // bytes
  std::uint64_t entry_addr = 0;           // where Xen writes: old_addr, or behind its ENDBR64
  std::optional<Bytes> entry;             // what Xen writes there when it applies; nothing: NOPs, of a form that the CPU decides
  std::optional<std::uint64_t> new_addr;  // nothing: NOPs
  Bytes code;                             // of the new function, from new_addr on
  std::uint32_t new_size = 0;             // bytes; of NOPs, how many
};

struct LiveSymbol {
  std::string name;
  std::uint64_t address = 0;
  std::uint64_t size = 0;  // bytes; 0: not known
  bool is_function = false;
};

struct LiveImage {
  std::uint64_t load_address = 0;
  std::uint64_t pages = 0;
  std::vector<LiveRange> sections;  // in the file's order
  std::uint64_t rw_address = 0;     // the start of the region; that of the text is the load address
  std::uint64_t ro_address = 0;
  std::vector<LiveFunction> functions;
  std::vector<LiveSymbol> symbols;        // by address
  std::vector<LiveRange> written_by_xen;  // by address
  Bytes file;                             // the payload, linked for the load address
};

/// `payload` as it lies at `load_address`, a multiple of the page size. kUnsupported, kMalformed as link_for and read_payload. The
/// expectations tell whether an original begins with ENDBR64: of a function without one `entry_addr` may be four bytes too low.
Result<LiveImage> live_image(const elf::Object& payload, TargetAddr load_address);

/// An ELF executable with the payload's sections at their live addresses, and its symbols: for gdb's add-symbol-file, nm, objdump.
/// What Xen writes itself is in it as the file has it. kInvalid as the writer of objects.
Result<Bytes> symbol_file(const LiveImage& image);

}  // namespace hotpatch::xen

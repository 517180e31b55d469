// SPDX-License-Identifier: GPL-2.0-or-later
//
// The userland linker of Xen payloads: what the extractor found, bound to the hypervisor's image, merged into few sections and written
// as a payload whose only relocations are those that need the load address.
//
// After linking there is no undefined symbol: every place in the hypervisor is a SHN_ABS symbol. Inside the payload, every distance is
// known, since Xen's placement of sections follows from their headers alone, so PC-relative fields are final. What Xen still relocates:
// R_X86_64_64 against section symbols, and PC32/PLT32 against SHN_ABS symbols.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/elf/image.h"
#include "common/extract/patch_object.h"
#include "common/prove/prove.h"
#include "common/support/diagnostics.h"
#include "common/support/key_values.h"
#include "common/support/result.h"

namespace hotpatch::xen {

/// One patched unit. Both outlive the linking. Units are laid out in the order given.
struct LinkUnit {
  const extract::PatchObject* patch = nullptr;
  const prove::Located* located = nullptr;  // of the unit's original object
};

/// Bytes of a function of the hypervisor that are to become NOPs.
struct NopRequest {
  std::string function;
  std::uint64_t offset = 0;  // bytes from its start
  std::uint64_t length = 0;  // bytes

  /// "FUNCTION+0x12:5", without an offset of 0.
  [[nodiscard]] std::string text() const;
};

struct LinkOptions {
  std::string name;                           // of the payload
  std::optional<BuildId> depends;             // the payload to be applied on top of; nothing: Xen itself
  std::vector<TargetAddr> patched_by_others;  // entries that the payloads below have spliced: their bytes are not the image's
  std::string patch_digest;                   // sha256 of the source patch, hexadecimal
  std::string base;                           // description of the base
  std::string tool_version;
  std::vector<std::string> fixes;       // CVE and XSA identifiers
  std::string report_digest;            // sha256, hexadecimal; may be empty
  KeyValues manifest;                   // further keys of the metadata
  std::vector<std::string> discharges;  // what hooks are declared to make up for
  std::vector<NopRequest> nops;         // entries without code of their own (xen/link/nops.h)
};

struct LinkedFunction {
  std::string name;
  std::string unit;
  std::string symbol;  // its name in the payload
  TargetAddr old_addr;
  std::uint64_t old_size = 0;    // bytes that the entry claims, padding included
  std::uint64_t new_offset = 0;  // bytes from the load address
  std::uint64_t new_size = 0;
  std::uint64_t expect_length = 0;
  std::string note;  // why there are no expectation bytes, or fewer than there could be
};

/// An entry that turns instructions of the hypervisor into NOPs.
struct LinkedNops {
  std::string name;  // "FUNCTION+0x12"
  TargetAddr address;
  std::uint64_t size = 0;            // bytes, all of them expected
  std::vector<std::string> removed;  // the instructions, in assembler syntax
};

/// How the address of something in the hypervisor was found.
enum class Binding : std::uint8_t {
  kProvenSymbol,   // a symbol of the original object, located by the proof
  kProvenSection,  // a place in a section of the original object, located by the proof
  kGlobalName,     // the image's only global symbol of that name
  kOtherUnit,      // a new definition in another patched unit: in the payload
};
[[nodiscard]] const char* binding_name(Binding binding) noexcept;

struct LinkedExternal {
  std::string name;
  std::string unit;
  TargetAddr address;  // 0 for kOtherUnit
  Binding binding = Binding::kProvenSymbol;
};

struct LinkedSection {
  std::string name;
  std::uint64_t offset = 0;  // bytes from the load address
  std::uint64_t size = 0;
  std::uint64_t alignment = 1;
  std::uint32_t relocations = 0;  // that Xen has to apply
};

struct LinkReport {
  BuildId build_id;
  BuildId depends;
  BuildId xen_depends;
  std::uint64_t pages = 0;  // of the hypervisor's memory
  std::uint64_t file_size = 0;
  bool reappliable = false;
  std::uint32_t resolved_fixups = 0;  // settled here
  std::vector<LinkedFunction> functions;
  std::vector<LinkedNops> nops;
  std::vector<LinkedSection> sections;
  std::vector<LinkedExternal> externals;
  Diagnostics findings;
};

struct LinkedPayload {
  Bytes file;  // empty if report.findings.has_errors()
  LinkReport report;
};

/// Fails with kNothingToDo if there is neither a function to splice, nor NOPs, nor a hook; kInvalid if the image is not a Xen one.
/// What is wrong with the patch is in the report: references that cannot be bound or lead to freed memory, functions too small,
/// overlaps, ranges, NOPs that are not safe.
Result<LinkedPayload> link_payload(std::span<const LinkUnit> units, const elf::Image& image, const LinkOptions& options);

}  // namespace hotpatch::xen

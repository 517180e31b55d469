// SPDX-License-Identifier: GPL-2.0-or-later
//
// The last step of linking, in userland: a payload for the one address at which the hypervisor has just put it.
//
// A payload file is relocatable; what is open in it depends on the load address B alone. Its layout is a function of its section headers
// (PayloadLayout), so once B is known every field is: S + A, or S + A - P. The fields are written into a copy of the file, and the entries
// of its relocation tables that have been applied are dropped. Three kinds of entry stay for Xen's loader to apply:
//
//   the load-address word of .modinfo   the only witness of where Xen put the image. Were it written here, it would say what we believe
//                                       and not what is so. What we believe is the metadata entry "linked" beside it.
//   sites of alternative calls          Xen reads the function pointer through the site's displacement while it takes the upload
//                                       (4.17 _apply_alternatives, 4.21 apply_alt_calls), before anyone could see that the image lies
//                                       elsewhere: a displacement for another address would be a wild read in the hypervisor.
//   names in .livepatch.funcs           The debug key 'x' prints them for whatever is loaded, applied or not (livepatch_printall):
//                                       a wild read again, should this program be killed before it has unloaded a misplaced image.
//
// Nothing else that Xen reads of a payload that is not applied holds an absolute field of the payload's own: tables of alternatives,
// exceptions and bug frames count from their own places. So an image that landed elsewhere is harmless as long as it is not applied, and
// placement_of() tells that before anything is.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/elf/object.h"
#include "common/support/address.h"
#include "common/support/bytes.h"
#include "common/support/result.h"
#include "xen/payload/metadata.h"

namespace hotpatch::xen {

struct KeptRelocation {
  std::string section;
  std::uint64_t offset = 0;  // bytes from the section's start
  std::string why;
};

struct PlacedImage {
  Bytes file;
  TargetAddr load_address;
  std::size_t applied = 0;  // relocations
  std::vector<KeptRelocation> kept;
};

/// `payload`, linked for `load_address`, a multiple of the page size. The file has the same size, sections and build ID. kUnsupported if
/// one could not tell its place afterwards (no load-address word, no room for the address that it is linked for), if it was linked for an
/// address already, leaves a symbol to the hypervisor to look up, or has a relocation that Xen does not know. kMalformed for a field
/// outside of its section and a value that does not fit.
Result<PlacedImage> link_for(const elf::Object& payload, TargetAddr load_address);

/// What an image in the hypervisor says of its own place, by the metadata that LIST gave.
enum class ImagePlace : std::uint8_t {
  kRelocatable,  // Xen relocated it: right wherever it is
  kRight,        // linked for the address where it is
  kWrong,        // linked for another address: must not be applied
};
[[nodiscard]] ImagePlace placement_of(const Metadata& metadata) noexcept;

}  // namespace hotpatch::xen

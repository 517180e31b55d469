// SPDX-License-Identifier: GPL-2.0-or-later
//
// xen.efi as an image with symbols. It is linked from the same objects as xen-syms, for other addresses, and has a COFF symbol table, which
// knows where each symbol is, and neither how long it is nor whether it is a function. Both are as in xen-syms, as both come from the
// objects. GNU ld writes the two tables in one order: file by file, each with its local symbols, whose names need not be unique. So the
// n-th file or local symbol of the one is the n-th of the other, which their names have to confirm, every one; global symbols go by name.
// Sections go by their symbols, too: PE's .init holds what xen-syms has in .init.text and .init.data.
// The product is an ELF file of xen.efi's contents, addresses and build ID with xen-syms' names, sizes and types. Whether the sizes are
// right is proven afterwards like everything else: each function of each object is compared with the image.
#pragma once

#include <filesystem>
#include <string_view>

#include "common/elf/object.h"
#include "common/elf/pe_image.h"
#include "common/support/bytes.h"
#include "common/support/result.h"

namespace hotpatch::buildenv {

/// The files of a base of xen.efi, relative to it: what boots, xen-syms of the same build, and what efi_symbols() makes of the two.
inline constexpr std::string_view kEfiBoot = "image/xen.efi";
inline constexpr std::string_view kEfiLinkedBeside = "image/xen-syms";
inline constexpr std::string_view kEfiSymbols = "image/xen-efi-syms";

/// The same for the same files. kInvalid, with the first symbol that tells, if the two are not of one build, or if xen.efi has been
/// stripped of its symbols; kUnsupported if it has no build ID.
Result<Bytes> efi_symbols(const elf::PeImage& efi, const elf::Object& xen_syms);
/// The same from files.
Result<Bytes> read_efi_symbols(const std::filesystem::path& efi, const std::filesystem::path& xen_syms);

}  // namespace hotpatch::buildenv

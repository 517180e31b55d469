// SPDX-License-Identifier: GPL-2.0-or-later
//
// The build ID of a file that we write: the digest of the file in which the ID is zero.
#pragma once

#include "common/elf/object_builder.h"
#include "common/support/build_id.h"
#include "common/support/bytes.h"
#include "common/support/result.h"

namespace hotpatch::link {

/// A GNU build-ID note (gABI "Note Section"; binutils ld, --build-id).
[[nodiscard]] Bytes build_id_note(ByteView id);
/// The note of a file's own ID, before that is known.
[[nodiscard]] Bytes build_id_note_to_fill();

struct WrittenFile {
  Bytes file;
  BuildId build_id;
};
/// Requires: `note` holds what build_id_note_to_fill() gave.
Result<WrittenFile> write_with_build_id(elf::ObjectBuilder& builder, elf::SectionIndex note);

}  // namespace hotpatch::link

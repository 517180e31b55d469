// SPDX-License-Identifier: GPL-2.0-or-later
//
// A signature behind the file that it is of, in the form of Linux' scripts/sign-file (include/linux/module_signature.h), which Xen's design
// document of live patches names too:
//
//   the content | the CMS signature | 12 bytes: its kind, and its size, big-endian, in the last four | "~Module signature appended~\n"
//
// ELF readers do not look behind the sections, so such a file is used as the one without.
#pragma once

#include "common/support/bytes.h"
#include "common/support/result.h"

namespace hotpatch::trust {

[[nodiscard]] Bytes append_signature(ByteView content, ByteView signature);

struct Split {
  ByteView content;    // all of it, where no signature is appended
  ByteView signature;  // empty if there is none
};
/// Views of `file`. kMalformed if there is the mark, and not what belongs before it.
Result<Split> split_signature(ByteView file);

}  // namespace hotpatch::trust

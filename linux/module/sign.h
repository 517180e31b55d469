// SPDX-License-Identifier: GPL-2.0-or-later
//
// Signs a module as the kernel's scripts/sign-file does: a detached PKCS#7 (CMS) signature of the file without attributes or certificates,
// then struct module_signature (include/linux/module_signature.h) and a mark, all appended to the file.
#pragma once

#include "common/support/bytes.h"
#include "common/support/result.h"
#include "common/trust/sign.h"

namespace hotpatch::kernel {

using SigningFiles = trust::SigningFiles;  // its certificate: the kernel's keyring has it; its hash: CONFIG_MODULE_SIG_HASH

/// The module with the signature behind it. kInvalid if the files are not what they should be, or do not belong together. RSA signatures
/// of the same bytes are the same.
Result<Bytes> sign_module(ByteView module, const SigningFiles& files);

}  // namespace hotpatch::kernel

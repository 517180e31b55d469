// SPDX-License-Identifier: GPL-2.0-or-later
#include "linux/module/sign.h"

#include "common/trust/appended.h"

namespace hotpatch::kernel {

Result<Bytes> sign_module(ByteView module, const SigningFiles& files) {
  HP_ASSIGN(const Bytes signature, trust::sign(module, files, trust::Carry::kNothing));
  return trust::append_signature(module, signature);
}

}  // namespace hotpatch::kernel

// SPDX-License-Identifier: GPL-2.0-or-later
//
// Detached CMS (RFC 5652) signatures. They have no signed attributes, hence no time of signing: with an RSA key the same bytes give the
// same signature, whenever and wherever it is made.
#pragma once

#include <filesystem>
#include <string>

#include "common/support/bytes.h"
#include "common/support/result.h"

namespace hotpatch::trust {

struct SigningFiles {
  std::filesystem::path key;          // a private key, PEM, without a passphrase
  std::filesystem::path certificate;  // its X.509 certificate, PEM or DER
  std::string hash = "sha256";        // OpenSSL's name of the digest
};

/// Whether the signature carries the signer's certificate. Without it, who verifies must have it (a kernel's keyring); with it, one of the
/// authority that issued it is enough.
enum class Carry : bool { kNothing, kCertificate };

/// The signature of `content`, DER. kIo, kInvalid if the files are not what they should be, or do not belong together.
Result<Bytes> sign(ByteView content, const SigningFiles& files, Carry carry);

}  // namespace hotpatch::trust

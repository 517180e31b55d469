// SPDX-License-Identifier: GPL-2.0-or-later
//
// What firmware keeps of certificates, made without it: the content of the flash device in which OVMF finds its variables.
#pragma once

#include <string>
#include <vector>

#include "common/support/bytes.h"

namespace hotpatch::e2e {

/// Of which of the firmware's lists a certificate is.
enum class CertificateList {
  kPlatformKey,      // PK: where there is one, Secure Boot is on
  kKeyExchangeKeys,  // KEK
  kSignatures,       // db: the kernel's platform keyring
};

struct EnrolledCertificate {
  CertificateList list;
  Bytes certificate;  // X.509, DER
};

/// The firmware's empty store with one variable for each. Fails the test case if there is no firmware here.
[[nodiscard]] Bytes firmware_variables(const std::vector<EnrolledCertificate>& enrolled);

}  // namespace hotpatch::e2e

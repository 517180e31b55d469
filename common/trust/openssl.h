// SPDX-License-Identifier: GPL-2.0-or-later
//
// OpenSSL's objects, owned, and its errors as ours. For the files of this folder alone.
#pragma once

#include <filesystem>
#include <memory>

#include "common/support/bytes.h"
#include "common/support/result.h"
#include "common/trust/libcrypto.h"

namespace hotpatch::trust {

template <const auto& Free>
struct Freeing {
  template <typename T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};
inline constexpr auto free_certificates = [](STACK_OF(X509) * stack) noexcept { sk_X509_pop_free(stack, X509_free.pointer()); };

using Bio = std::unique_ptr<BIO, Freeing<BIO_free_all>>;
using Key = std::unique_ptr<EVP_PKEY, Freeing<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freeing<X509_free>>;
using Certificates = std::unique_ptr<STACK_OF(X509), Freeing<free_certificates>>;
using Message = std::unique_ptr<CMS_ContentInfo, Freeing<CMS_ContentInfo_free>>;

/// Reads from `bytes`, which must outlive it. Loads libcrypto, as everything begins with it. kInvalid for more than 2 GiB; kNotFound where
/// there is no libcrypto.
Result<Bio> reader_of(ByteView bytes);

/// `what`, with OpenSSL's reason behind it; its queue of errors is empty afterwards.
[[nodiscard]] Error openssl_error(Errc code, const std::string& what);

/// A private key in PEM without a passphrase. kIo, kInvalid.
Result<Key> read_key(const std::filesystem::path& path);
/// An X.509 certificate, PEM or DER. kIo, kInvalid.
Result<Certificate> read_certificate(const std::filesystem::path& path);

}  // namespace hotpatch::trust

// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/trust/openssl.h"

#include <limits>

#include "common/support/file.h"

namespace hotpatch::trust {
namespace {

constexpr std::uint64_t kMostPem = std::uint64_t{1} << 20;

/// Nobody is asked for a passphrase.
int no_passphrase(char*, int, int, void*) { return -1; }

}  // namespace

Result<Bio> reader_of(ByteView bytes) {
  if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()))
    return fail(Errc::kInvalid, "too large for a signature");
  HP_TRY(load_libcrypto());
  Bio bio(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
  if (bio == nullptr) return fail(Errc::kInvalid, "out of memory");
  return bio;
}

Error openssl_error(Errc code, const std::string& what) {
  const unsigned long number = ERR_get_error();
  ERR_clear_error();
  const char* reason = number == 0 ? nullptr : ERR_reason_error_string(number);
  return Error(code, what + (reason == nullptr ? "" : std::string(": ") + reason));
}

Result<Key> read_key(const std::filesystem::path& path) {
  HP_ASSIGN(const Bytes bytes, read_file(path, kMostPem));
  HP_ASSIGN(const Bio bio, reader_of(bytes));
  Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  if (key == nullptr)
    return tl::unexpected(openssl_error(Errc::kInvalid, path.string() + " is no private key in PEM without a passphrase"));
  return key;
}

Result<Certificate> read_certificate(const std::filesystem::path& path) {
  HP_ASSIGN(const Bytes bytes, read_file(path, kMostPem));
  HP_ASSIGN(const Bio text, reader_of(bytes));
  Certificate certificate(PEM_read_bio_X509(text.get(), nullptr, no_passphrase, nullptr));
  if (certificate == nullptr) {
    ERR_clear_error();
    HP_ASSIGN(const Bio binary, reader_of(bytes));
    certificate.reset(d2i_X509_bio(binary.get(), nullptr));
  }
  if (certificate == nullptr) return tl::unexpected(openssl_error(Errc::kInvalid, path.string() + " is no X.509 certificate"));
  return certificate;
}

}  // namespace hotpatch::trust

// SPDX-License-Identifier: GPL-2.0-or-later
#include "linux/module/sign.h"

#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <limits>
#include <memory>

#include "common/support/file.h"

namespace hotpatch::kernel {
namespace {

constexpr std::string_view kMark = "~Module signature appended~\n";
constexpr std::uint8_t kPkcs7 = 2;  // PKEY_ID_PKCS7
constexpr std::uint64_t kMostPem = std::uint64_t{1} << 20;

template <auto Free>
struct Freeing {
  template <typename T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};
using Bio = std::unique_ptr<BIO, Freeing<BIO_free_all>>;
using Key = std::unique_ptr<EVP_PKEY, Freeing<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freeing<X509_free>>;
using Message = std::unique_ptr<CMS_ContentInfo, Freeing<CMS_ContentInfo_free>>;

Result<Bio> memory(ByteView bytes) {
  if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()))
    return fail(Errc::kInvalid, "too large to be signed");
  Bio bio(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
  if (bio == nullptr) return fail(Errc::kInvalid, "out of memory");
  return bio;
}

tl::unexpected<Error> refused(const std::string& what) {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return fail(Errc::kInvalid, what + (reason == nullptr ? "" : std::string(": ") + reason));
}

/// Nobody is asked for a passphrase.
int no_passphrase(char*, int, int, void*) { return -1; }

Result<Key> read_key(const std::filesystem::path& path) {
  HP_ASSIGN(const Bytes bytes, read_file(path, kMostPem));
  HP_ASSIGN(const Bio bio, memory(bytes));
  Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  if (key == nullptr) return refused(path.string() + " is no private key in PEM without a passphrase");
  return key;
}

Result<Certificate> read_certificate(const std::filesystem::path& path) {
  HP_ASSIGN(const Bytes bytes, read_file(path, kMostPem));
  HP_ASSIGN(const Bio text, memory(bytes));
  Certificate certificate(PEM_read_bio_X509(text.get(), nullptr, no_passphrase, nullptr));
  if (certificate == nullptr) {
    ERR_clear_error();
    HP_ASSIGN(const Bio binary, memory(bytes));
    certificate.reset(d2i_X509_bio(binary.get(), nullptr));
  }
  if (certificate == nullptr) return refused(path.string() + " is no X.509 certificate");
  return certificate;
}

}  // namespace

Result<Bytes> sign_module(ByteView module, const SigningFiles& files) {
  HP_ASSIGN_DOING("sign", const Key key, read_key(files.key));
  HP_ASSIGN_DOING("sign", const Certificate certificate, read_certificate(files.certificate));
  if (X509_check_private_key(certificate.get(), key.get()) != 1)
    return refused("the certificate " + files.certificate.string() + " is not of the key " + files.key.string());
  const EVP_MD* digest = EVP_get_digestbyname(files.hash.c_str());
  if (digest == nullptr) return fail(Errc::kInvalid, "unknown digest " + files.hash);

  HP_ASSIGN(const Bio content, memory(module));
  constexpr unsigned kNew = CMS_NOCERTS | CMS_PARTIAL | CMS_BINARY | CMS_DETACHED | CMS_STREAM;
  const Message message(CMS_sign(nullptr, nullptr, nullptr, nullptr, kNew));
  constexpr unsigned kSigner = CMS_NOCERTS | CMS_BINARY | CMS_NOSMIMECAP | CMS_NOATTR;
  if (message == nullptr || CMS_add1_signer(message.get(), certificate.get(), key.get(), digest, kSigner) == nullptr ||
      CMS_final(message.get(), content.get(), nullptr, CMS_NOCERTS | CMS_BINARY) != 1)
    return refused("sign");
  const int size = i2d_CMS_ContentInfo(message.get(), nullptr);
  if (size <= 0) return refused("encode the signature");
  std::vector<unsigned char> signature(static_cast<std::size_t>(size));
  unsigned char* end = signature.data();
  if (i2d_CMS_ContentInfo(message.get(), &end) != size) return refused("encode the signature");

  ByteWriter out;
  out.write_bytes(module);
  out.write_bytes(std::as_bytes(std::span(signature)));
  // algo, hash, id_type, signer_len, key_id_len, padding; then the length, big-endian.
  out.write_bytes(Bytes(2));
  out.write<std::uint8_t>(kPkcs7);
  out.write_bytes(Bytes(5));
  const auto length = static_cast<std::uint32_t>(size);
  out.write<std::uint32_t>((length >> 24) | ((length >> 8) & 0xff00U) | ((length << 8) & 0xff0000U) | (length << 24));
  out.write_bytes(as_byte_view(kMark));
  return std::move(out).take();
}

}  // namespace hotpatch::kernel

// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/trust/sign.h"

#include <vector>

#include "common/trust/openssl.h"

namespace hotpatch::trust {

Result<Bytes> sign(ByteView content, const SigningFiles& files, Carry carry) {
  HP_ASSIGN_DOING("sign", const Key key, read_key(files.key));
  HP_ASSIGN_DOING("sign", const Certificate certificate, read_certificate(files.certificate));
  const auto refused = [](const std::string& what) { return tl::unexpected(openssl_error(Errc::kInvalid, what)); };
  if (X509_check_private_key(certificate.get(), key.get()) != 1)
    return refused("the certificate " + files.certificate.string() + " is not of the key " + files.key.string());
  const EVP_MD* digest = EVP_get_digestbyname(files.hash.c_str());
  if (digest == nullptr) return fail(Errc::kInvalid, "unknown digest " + files.hash);

  HP_ASSIGN(const Bio bytes, reader_of(content));
  const unsigned certificates = carry == Carry::kCertificate ? 0U : unsigned{CMS_NOCERTS};
  const Message message(
      CMS_sign(nullptr, nullptr, nullptr, nullptr, certificates | CMS_PARTIAL | CMS_BINARY | CMS_DETACHED | CMS_STREAM));
  const unsigned signer = certificates | CMS_BINARY | CMS_NOSMIMECAP | CMS_NOATTR;
  if (message == nullptr || CMS_add1_signer(message.get(), certificate.get(), key.get(), digest, signer) == nullptr ||
      CMS_final(message.get(), bytes.get(), nullptr, certificates | CMS_BINARY) != 1)
    return refused("sign");
  const int size = i2d_CMS_ContentInfo(message.get(), nullptr);
  if (size <= 0) return refused("encode the signature");
  Bytes signature(static_cast<std::size_t>(size));
  auto* end = reinterpret_cast<unsigned char*>(signature.data());
  if (i2d_CMS_ContentInfo(message.get(), &end) != size) return refused("encode the signature");
  return signature;
}

}  // namespace hotpatch::trust

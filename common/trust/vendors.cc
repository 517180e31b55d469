// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/trust/vendors.h"

#include <algorithm>
#include <array>

#include "common/support/digest.h"
#include "common/trust/openssl.h"

namespace hotpatch::trust {
namespace {

using Store = std::unique_ptr<X509_STORE, Freeing<X509_STORE_free>>;
using StoreContext = std::unique_ptr<X509_STORE_CTX, Freeing<X509_STORE_CTX_free>>;

constexpr int kAuthLevel = 2;  // OpenSSL's: 112 bits of security, so RSA from 2048 bits on, and no SHA-1

tl::unexpected<Error> distrust(const std::string& what, const std::string& remedy) {
  return tl::unexpected(openssl_error(Errc::kTrust, what).with_remedy(remedy));
}

std::string name_of(const X509* certificate) {
  const Bio out(BIO_new(BIO_s_mem()));
  if (out == nullptr || X509_NAME_print_ex(out.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253) < 0) return "?";
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return size > 0 ? std::string(text, static_cast<std::size_t>(size)) : "?";
}

std::string fingerprint_of(const X509* certificate) {
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate, &der);
  if (size <= 0) return {};
  const std::string digits = sha256_text(std::as_bytes(std::span(der, static_cast<std::size_t>(size))));
  OPENSSL_free(der);
  return digits;
}

std::string end_of(const X509* certificate) {
  const Bio out(BIO_new(BIO_s_mem()));
  if (out == nullptr || ASN1_TIME_print(out.get(), X509_get0_notAfter(certificate)) != 1) return "?";
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return std::string(text, static_cast<std::size_t>(size));
}

Result<Message> parse(ByteView signature) {
  HP_ASSIGN(const Bio bio, reader_of(signature));
  const bool is_text = as_text(signature).starts_with("-----BEGIN");
  Message message(is_text ? PEM_read_bio_CMS(bio.get(), nullptr, nullptr, nullptr) : d2i_CMS_bio(bio.get(), nullptr));
  const char* remedy = "sign it again; hotpatch sign makes such signatures";
  if (message == nullptr) return distrust("the signature is no CMS message", remedy);
  if (!is_text && BIO_pending(bio.get()) != 0) return distrust("there is something behind the signature", remedy);
  if (OBJ_obj2nid(CMS_get0_type(message.get())) != NID_pkcs7_signed) return distrust("the CMS message is no signature", remedy);
  if (CMS_is_detached(message.get()) != 1) return distrust("the signature brings a content of its own", remedy);
  return message;
}

/// Digests that a signature may be of.
Result<> check_digest(CMS_SignerInfo* info) {
  X509_ALGOR* algorithm = nullptr;
  CMS_SignerInfo_get0_algs(info, nullptr, nullptr, &algorithm, nullptr);
  const int nid = algorithm == nullptr ? NID_undef : OBJ_obj2nid(algorithm->algorithm);
  constexpr std::array kStrong = {NID_sha256, NID_sha384, NID_sha512, NID_sha3_256, NID_sha3_384, NID_sha3_512};
  if (std::ranges::find(kStrong, nid) != kStrong.end()) return {};
  const char* name = OBJ_nid2sn(nid);
  return distrust(std::string("the signature's digest is not trusted: ") + (name == nullptr ? "unknown" : name),
                  "sign it again, with SHA-256");
}

}  // namespace

std::string signer_text(const Signer& signer) { return signer.name + ", SHA-256 " + signer.fingerprint; }

struct Vendors::Impl {
  std::string directory;
  Certificates certificates;
  Store store;

  [[nodiscard]] bool has(const X509* certificate) const {
    for (int i = 0; i < sk_X509_num(certificates.get()); ++i)
      if (X509_cmp(sk_X509_value(certificates.get(), i), certificate) == 0) return true;
    return false;
  }

  /// The way from the signer's certificate to a vendor's.
  Result<> check_chain(X509* signer, STACK_OF(X509) * carried, std::chrono::system_clock::time_point now) const {
    const StoreContext context(X509_STORE_CTX_new());
    if (context == nullptr || X509_STORE_CTX_init(context.get(), store.get(), signer, carried) != 1)
      return distrust("the signer cannot be looked up", "");
    X509_VERIFY_PARAM* rules = X509_STORE_CTX_get0_param(context.get());
    X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_PARTIAL_CHAIN);  // a vendor's certificate is trusted as it stands
    X509_VERIFY_PARAM_set_time(rules, std::chrono::system_clock::to_time_t(now));
    X509_VERIFY_PARAM_set_auth_level(rules, kAuthLevel);
    const std::string who = name_of(signer);
    if (X509_verify_cert(context.get()) != 1) {
      const int error = X509_STORE_CTX_get_error(context.get());
      const X509* culprit = X509_STORE_CTX_get_current_cert(context.get());
      ERR_clear_error();
      if (error == X509_V_ERR_CERT_HAS_EXPIRED && culprit != nullptr)
        return distrust("the signer's certificate has expired: " + name_of(culprit) + ", on " + end_of(culprit),
                        "have it signed again with a certificate that is valid, or set this host's clock");
      if (error == X509_V_ERR_CERT_NOT_YET_VALID)
        return distrust("the signer's certificate is not valid yet: " + who, "is this host's clock right?");
      return distrust("the signer " + who + " is unknown here (" + X509_verify_cert_error_string(error) + ")",
                      "a certificate of who is trusted belongs into " + directory);
    }
    const bool is_for_code =
        (X509_get_extension_flags(signer) & EXFLAG_XKUSAGE) != 0 && (X509_get_extended_key_usage(signer) & XKU_CODE_SIGN) != 0;
    if (is_for_code || has(signer)) return {};
    return distrust("the signer's certificate was not issued for signing code: " + who,
                    "it needs the extended key usage codeSigning, or its own place in " + directory);
  }
};

Vendors::Vendors(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Vendors::Vendors(Vendors&& other) noexcept = default;
Vendors::~Vendors() = default;

Result<Vendors> Vendors::read(const std::filesystem::path& directory) {
  HP_TRY(load_libcrypto());
  auto impl = std::make_unique<Impl>();
  impl->directory = directory.string();
  impl->certificates.reset(sk_X509_new_null());
  impl->store.reset(X509_STORE_new());
  if (impl->certificates == nullptr || impl->store == nullptr) return fail(Errc::kInvalid, "out of memory");
  std::error_code failure;
  std::vector<std::filesystem::path> files;
  for (auto entry = std::filesystem::directory_iterator(directory, failure);
       !failure && entry != std::filesystem::directory_iterator(); entry.increment(failure)) {
    constexpr std::array<std::string_view, 4> kEndings = {".pem", ".crt", ".cer", ".der"};
    if (std::ranges::find(kEndings, entry->path().extension().string()) != kEndings.end()) files.push_back(entry->path());
  }
  if (failure) return fail_errno("read the directory of trusted vendors, " + directory.string(), failure.value());
  for (const std::filesystem::path& file : files) {
    HP_ASSIGN_DOING("trusted vendors", Certificate certificate, read_certificate(file));
    if (X509_STORE_add_cert(impl->store.get(), certificate.get()) != 1 ||
        sk_X509_push(impl->certificates.get(), certificate.get()) == 0)
      return tl::unexpected(openssl_error(Errc::kInvalid, file.string() + " cannot be used"));
    (void)certificate.release();  // the stack's now
  }
  return Vendors(std::move(impl));
}

std::size_t Vendors::size() const noexcept { return static_cast<std::size_t>(sk_X509_num(impl_->certificates.get())); }

Result<Signer> Vendors::verify(ByteView content, ByteView signature, std::chrono::system_clock::time_point now) const {
  HP_ASSIGN(const Message message, parse(signature));
  const Certificates carried(CMS_get1_certs(message.get()));
  STACK_OF(CMS_SignerInfo)* infos = CMS_get0_SignerInfos(message.get());
  const int count = sk_CMS_SignerInfo_num(infos);
  if (count < 1) return distrust("the signature has no signer", "sign it again");
  (void)CMS_set1_signers_certs(message.get(), impl_->certificates.get(), 0);
  for (int i = 0; i < count; ++i) {
    CMS_SignerInfo* info = sk_CMS_SignerInfo_value(infos, i);
    X509* signer = nullptr;
    CMS_SignerInfo_get0_algs(info, nullptr, &signer, nullptr, nullptr);
    if (signer == nullptr)
      return distrust("the signer is unknown here", "a certificate of who is trusted belongs into " + impl_->directory);
    HP_TRY(check_digest(info));
  }
  HP_ASSIGN(const Bio bytes, reader_of(content));
  // Whom the certificates belong to is not asked here, but below.
  if (CMS_verify(message.get(), nullptr, nullptr, bytes.get(), nullptr, CMS_BINARY | CMS_NO_SIGNER_CERT_VERIFY) != 1)
    return distrust("the content is not what was signed",
                    "it was changed after it was signed, or the signature is of another file");
  Signer made;
  for (int i = 0; i < count; ++i) {
    X509* signer = nullptr;
    CMS_SignerInfo_get0_algs(sk_CMS_SignerInfo_value(infos, i), nullptr, &signer, nullptr, nullptr);
    HP_TRY(impl_->check_chain(signer, carried.get(), now));
    if (i == 0) made = {.name = name_of(signer), .fingerprint = fingerprint_of(signer)};
  }
  return made;
}

}  // namespace hotpatch::trust

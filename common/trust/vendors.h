// SPDX-License-Identifier: GPL-2.0-or-later
//
// Whose payloads a host takes: a directory with a certificate for each vendor (X.509, PEM or DER, files that end in .pem, .crt, .cer or
// .der). Each is trusted as it stands, whoever issued it. It is the signer's own, or an authority's: then the signature must carry the
// signer's, which the authority has issued for signing code (extended key usage).
//
// Every one of these refuses a signature, with kTrust:
//
//   the content is not what was signed, or the signature is none
//   the signer is none of the vendors, and no vendor has issued its certificate for signing code
//   a certificate on the way to the vendor's has expired, or is not valid yet. There is no time of signing: only the host's clock counts
//   a digest or a key that is too weak today (SHA-1, RSA below 2048 bits)
//
// To withdraw a vendor, remove its file.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "common/support/bytes.h"
#include "common/support/result.h"

namespace hotpatch::trust {

inline constexpr const char* kSignatureSuffix = ".p7s";  // of a detached signature beside its file: NAME.p7s

struct Signer {
  std::string name;         // the certificate's subject: "CN=Vendor"
  std::string fingerprint;  // SHA-256 of the certificate, hexadecimal digits
};

/// "CN=Vendor, SHA-256 0a1b…", all digits.
[[nodiscard]] std::string signer_text(const Signer& signer);

class Vendors {
 public:
  /// kIo if the directory cannot be read; kInvalid if one of the files is no certificate: a vendor that silently does not count would be
  /// found out too late.
  static Result<Vendors> read(const std::filesystem::path& directory);
  Vendors(Vendors&& other) noexcept;
  ~Vendors();

  [[nodiscard]] std::size_t size() const noexcept;
  /// Who signed `content`, if all is well. `signature` is DER or PEM. The first signer counts where there are several; all must be good.
  Result<Signer> verify(ByteView content, ByteView signature, std::chrono::system_clock::time_point now) const;

 private:
  struct Impl;
  explicit Vendors(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace hotpatch::trust

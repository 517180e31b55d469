// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/trust/signed_file.h"

#include "common/support/file.h"
#include "common/trust/appended.h"

namespace hotpatch::trust {
namespace {

constexpr std::uint64_t kMostSignature = std::uint64_t{64} << 10;

}  // namespace

Result<SignedFile> read_signed_file(const std::filesystem::path& file, const std::filesystem::path& signature,
                                    std::uint64_t limit) {
  HP_ASSIGN(const Bytes bytes, read_file(file, limit + kMostSignature));
  HP_ASSIGN_DOING(file.string(), const Split split, split_signature(bytes));
  if (split.content.size() > limit)
    return fail(Errc::kMalformed, file.string() + ": larger than " + std::to_string(limit) + " bytes");
  SignedFile made;
  made.content.assign(split.content.begin(), split.content.end());
  made.signature.assign(split.signature.begin(), split.signature.end());
  std::filesystem::path beside = signature;
  if (beside.empty() && made.signature.empty()) {
    beside = file.string() + kSignatureSuffix;
    std::error_code failure;
    if (!std::filesystem::exists(beside, failure)) beside.clear();
  }
  if (!beside.empty()) {
    HP_ASSIGN_DOING("the signature of " + file.string(), made.signature, read_file(beside, kMostSignature));
  }
  return made;
}

Result<std::optional<Signer>> check(const SignedFile& file, const Policy& policy, std::chrono::system_clock::time_point now) {
  std::error_code failure;
  const auto kind = std::filesystem::status(policy.vendors, failure).type();
  if (kind == std::filesystem::file_type::not_found && !policy.required) return std::optional<Signer>();
  if (kind == std::filesystem::file_type::not_found)
    return tl::unexpected(Error(Errc::kTrust, "a signature is required, and nobody is trusted here")
                              .with_remedy("certificates of who is trusted belong into " + policy.vendors.string()));
  if (file.signature.empty())
    return tl::unexpected(Error(Errc::kTrust, "it is not signed, and this host takes signed ones alone")
                              .with_remedy("the signature is appended to the file, in NAME" + std::string(kSignatureSuffix) +
                                           " beside it, or named by --signature"));
  HP_ASSIGN(const Vendors vendors, Vendors::read(policy.vendors));
  HP_ASSIGN(Signer signer, vendors.verify(file.content, file.signature, now));
  return std::optional<Signer>(std::move(signer));
}

}  // namespace hotpatch::trust

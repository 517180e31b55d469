// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/support/digest.h"

#include <array>
#include <cerrno>
#include <memory>

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include "common/support/unique_fd.h"

namespace hotpatch {
namespace {

class Hasher {
 public:
  explicit Hasher(const EVP_MD* algorithm) : context_(EVP_MD_CTX_new(), &EVP_MD_CTX_free) {
    HP_CHECK(context_ && EVP_DigestInit_ex(context_.get(), algorithm, nullptr) == 1, "libcrypto has no such digest");
  }
  void update(ByteView content) {
    HP_CHECK(EVP_DigestUpdate(context_.get(), content.data(), content.size()) == 1, "libcrypto cannot digest");
  }
  [[nodiscard]] Bytes finish() {
    Bytes digest(EVP_MAX_MD_SIZE);
    unsigned size = 0;
    HP_CHECK(EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(digest.data()), &size) == 1,
             "libcrypto cannot digest");
    digest.resize(size);
    return digest;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context_;
};

}  // namespace

Bytes sha1(ByteView content) {
  Hasher hasher(EVP_sha1());
  hasher.update(content);
  return hasher.finish();
}

Bytes sha256(ByteView content) {
  Hasher hasher(EVP_sha256());
  hasher.update(content);
  return hasher.finish();
}

std::string sha256_text(ByteView content) { return hex_bytes(sha256(content), '\0'); }

Result<std::string> sha256_file(const std::filesystem::path& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return fail_errno("open " + path.string(), errno);
  Hasher hasher(EVP_sha256());
  std::array<std::byte, 65536> block{};
  for (;;) {
    const ssize_t count = ::read(fd.get(), block.data(), block.size());
    if (count < 0) {
      if (errno == EINTR) continue;
      return fail_errno("read " + path.string(), errno);
    }
    if (count == 0) return hex_bytes(hasher.finish(), '\0');
    hasher.update(std::span(block).first(static_cast<std::size_t>(count)));
  }
}

}  // namespace hotpatch

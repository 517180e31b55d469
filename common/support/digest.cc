// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/support/digest.h"

#include <array>
#include <cerrno>

#include <fcntl.h>
// OpenSSL calls these functions deprecated, in favour of an interface that looks an implementation up by name. That brings all of
// libcrypto into a program, and half of a short command's time is spent on loading it; these come alone, out of the static library.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>
#include <unistd.h>

#include "common/support/unique_fd.h"

namespace hotpatch {
namespace {

/// Context, and the functions of one digest on it.
template <typename Context, std::size_t Size, auto Init, auto Update, auto Final>
class Hasher {
 public:
  Hasher() { HP_CHECK(Init(&context_) == 1, "libcrypto cannot digest"); }
  void update(ByteView content) { HP_CHECK(Update(&context_, content.data(), content.size()) == 1, "libcrypto cannot digest"); }
  [[nodiscard]] Bytes finish() {
    Bytes digest(Size);
    HP_CHECK(Final(reinterpret_cast<unsigned char*>(digest.data()), &context_) == 1, "libcrypto cannot digest");
    return digest;
  }

 private:
  Context context_{};
};
using Sha1 = Hasher<SHA_CTX, SHA_DIGEST_LENGTH, &SHA1_Init, &SHA1_Update, &SHA1_Final>;
using Sha256 = Hasher<SHA256_CTX, SHA256_DIGEST_LENGTH, &SHA256_Init, &SHA256_Update, &SHA256_Final>;

template <typename Hasher>
Bytes digest_of(ByteView content) {
  Hasher hasher;
  hasher.update(content);
  return hasher.finish();
}

}  // namespace

Bytes sha1(ByteView content) { return digest_of<Sha1>(content); }
Bytes sha256(ByteView content) { return digest_of<Sha256>(content); }

std::string sha256_text(ByteView content) { return hex_bytes(sha256(content), '\0'); }

Result<std::string> sha256_file(const std::filesystem::path& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return fail_errno("open " + path.string(), errno);
  Sha256 hasher;
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

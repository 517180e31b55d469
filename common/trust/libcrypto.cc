// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/trust/libcrypto.h"

#include <dlfcn.h>

#include <string>

#include "common/support/check.h"

namespace hotpatch::trust {
namespace {

/// Null, where there is none. It is never unloaded: it does not support that once it was used.
void* library() {
  static void* const handle = ::dlopen(("libcrypto.so." + std::to_string(OPENSSL_SHLIB_VERSION)).c_str(), RTLD_NOW | RTLD_LOCAL);
  return handle;
}

}  // namespace

Result<> load_libcrypto() {
  if (library() != nullptr) return {};
  const char* reason = ::dlerror();
  return tl::unexpected(Error(Errc::kNotFound, std::string("signatures need OpenSSL's libcrypto") +
                                                   (reason == nullptr ? "" : std::string(": ") + reason))
                            .with_remedy("install OpenSSL " + std::to_string(OPENSSL_VERSION_MAJOR) +
                                         "'s library (Debian: libssl" + std::to_string(OPENSSL_SHLIB_VERSION) + ")"));
}

void* libcrypto_function(const char* name) {
  HP_CHECK(library() != nullptr, "libcrypto was not loaded");
  void* function = ::dlsym(library(), name);
  HP_CHECK(function != nullptr, name);
  return function;
}

}  // namespace hotpatch::trust

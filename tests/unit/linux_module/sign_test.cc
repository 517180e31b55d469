// SPDX-License-Identifier: GPL-2.0-or-later
//
// Against OpenSSL's own program, which is what verifies, too, in the kernel's view of things: a detached CMS over the file as it was.
#include "linux/module/sign.h"

#include <doctest/doctest.h>

#include "common/support/file.h"
#include "tests/support/toolchain.h"

namespace hotpatch::kernel {
namespace {

constexpr std::string_view kMark = "~Module signature appended~\n";

struct Keys {
  test::Toolchain tools;
  SigningFiles files;
  Keys() { make("signer"); }
  void make(const std::string& name) {
    tools.tool({"openssl", "req", "-new", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "9", "-subj", "/CN=" + name,
                "-keyout", name + ".key", "-out", name + ".pem"});
    files.key = tools.directory() / (name + ".key");
    files.certificate = tools.directory() / (name + ".pem");
  }
};

TEST_CASE("a signed module verifies with openssl, and a changed one does not") {
  Keys keys;
  const Bytes module = [] {
    Bytes bytes(5000);
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 7);
    return bytes;
  }();
  const auto made = sign_module(module, keys.files);
  REQUIRE_MESSAGE(made, made.error().message());
  REQUIRE(as_text(*made).ends_with(kMark));
  REQUIRE(std::equal(module.begin(), module.end(), made->begin()));
  // The kernel's order: mark, 12 bytes, the last four of which are the signature's size, big-endian.
  const std::size_t record = made->size() - kMark.size() - 12;
  const auto byte = [&](std::size_t at) { return std::to_integer<std::size_t>((*made)[record + at]); };
  const std::size_t size = byte(8) << 24 | byte(9) << 16 | byte(10) << 8 | byte(11);
  CHECK(byte(2) == 2);
  REQUIRE(record - size == module.size());
  const auto& directory = keys.tools.directory();
  REQUIRE(write_file(directory / "signature", ByteView(*made).subspan(module.size(), size)));
  REQUIRE(write_file(directory / "module", ByteView(module)));
  const std::vector<std::string> verify = {"openssl",   "cms",        "-verify",   "-binary",  "-inform",
                                           "DER",       "-in",        "signature", "-content", "module",
                                           "-certfile", "signer.pem", "-noverify", "-out",     "/dev/null"};
  CHECK(test::run(verify, directory));
  Bytes changed = module;
  changed[17] ^= std::byte{1};
  REQUIRE(write_file(directory / "module", ByteView(changed)));
  CHECK(!test::run(verify, directory));
  CHECK(*sign_module(module, keys.files) == *made);
}

TEST_CASE("what cannot sign is refused") {
  Keys keys;
  const SigningFiles first = keys.files;
  keys.make("other");
  SigningFiles mixed = first;
  mixed.certificate = keys.files.certificate;
  CHECK(!sign_module(Bytes(10), mixed));
  SigningFiles swapped{.key = first.certificate, .certificate = first.key, .hash = "sha256"};
  CHECK(!sign_module(Bytes(10), swapped));
  SigningFiles unknown = first;
  unknown.hash = "rot13";
  CHECK(!sign_module(Bytes(10), unknown));
  SigningFiles absent = first;
  absent.key = "/nonexistent";
  CHECK(!sign_module(Bytes(10), absent));
}

}  // namespace
}  // namespace hotpatch::kernel

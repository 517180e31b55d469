// SPDX-License-Identifier: GPL-2.0-or-later
//
// Keys and certificates are made with OpenSSL's own program, which also makes and reads signatures of its own to hold ours against.
#include "common/trust/vendors.h"

#include <doctest/doctest.h>

#include "common/support/file.h"
#include "common/trust/appended.h"
#include "common/trust/sign.h"
#include "common/trust/signed_file.h"
#include "tests/support/toolchain.h"

namespace hotpatch::trust {
namespace {

namespace fs = std::filesystem;
using std::chrono::hours;

/// Vendors with keys in a directory; who is copied to `trusted` is trusted.
class Keys {
 public:
  Keys() { fs::create_directory(trusted()); }
  [[nodiscard]] fs::path path(const std::string& name) const { return tools_.directory() / name; }
  [[nodiscard]] fs::path trusted() const { return path("trusted"); }
  void tool(const std::vector<std::string>& argv) { tools_.tool(argv); }
  [[nodiscard]] bool run(const std::vector<std::string>& argv) const { return test::run(argv, tools_.directory()); }

  void make(const std::string& name, const std::string& bits = "2048") {
    tool({"openssl", "req", "-new", "-x509", "-newkey", "rsa:" + bits, "-nodes", "-days", "9", "-subj", "/CN=" + name, "-keyout",
          name + ".key", "-out", name + ".pem"});
  }
  /// Issued by `authority`, with or without the usage.
  void issue(const std::string& name, const std::string& authority, const std::string& usage) {
    tool({"openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=" + name, "-keyout", name + ".key", "-out",
          name + ".csr"});
    REQUIRE(write_file(path(name + ".ext"), std::string_view("extendedKeyUsage=" + usage + "\n")));
    tool({"openssl", "x509", "-req", "-in", name + ".csr", "-CA", authority + ".pem", "-CAkey", authority + ".key",
          "-CAcreateserial", "-days", "5", "-extfile", name + ".ext", "-out", name + ".pem"});
  }
  void trust(const std::string& name) { fs::copy(path(name + ".pem"), trusted() / (name + ".pem")); }
  [[nodiscard]] SigningFiles files(const std::string& name) const {
    return {.key = path(name + ".key"), .certificate = path(name + ".pem")};
  }
  [[nodiscard]] Bytes sign(ByteView content, const std::string& name, Carry carry = Carry::kCertificate) const {
    auto made = trust::sign(content, files(name), carry);
    REQUIRE_MESSAGE(made, made.error().message());
    return *std::move(made);
  }
  [[nodiscard]] Result<Signer> verify(ByteView content, ByteView signature, hours later = hours(0)) const {
    const auto vendors = Vendors::read(trusted());
    REQUIRE_MESSAGE(vendors, vendors.error().message());
    return vendors->verify(content, signature, std::chrono::system_clock::now() + later);
  }

 private:
  test::Toolchain tools_;
};

Bytes sample() {
  Bytes bytes(5000);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 7);
  return bytes;
}

void check_refused(const Result<Signer>& outcome, const std::string& why) {
  REQUIRE(!outcome);
  CHECK(outcome.error().code() == Errc::kTrust);
  CHECK_MESSAGE(outcome.error().message().find(why) != std::string::npos, outcome.error().message());
}

TEST_CASE("a trusted vendor's signature is good, and nothing else is") {
  Keys keys;
  keys.make("vendor");
  keys.make("stranger");
  keys.trust("vendor");
  const Bytes content = sample();
  for (const Carry carry : {Carry::kNothing, Carry::kCertificate}) {
    const Bytes signature = keys.sign(content, "vendor", carry);
    const auto signer = keys.verify(content, signature);
    REQUIRE_MESSAGE(signer, signer.error().message());
    CHECK(signer->name == "CN=vendor");
    CHECK(signer->fingerprint.size() == 64);
    CHECK(keys.sign(content, "vendor", carry) == signature);  // the same bytes each time
    Bytes changed = content;
    changed[17] ^= std::byte{1};
    check_refused(keys.verify(changed, signature), "the content is not what was signed");
    check_refused(keys.verify(content, signature, hours(24 * 10)), "has expired: CN=vendor");
    check_refused(keys.verify(content, signature, hours(-24 * 10)), "not valid yet");
    check_refused(keys.verify(content, keys.sign(content, "stranger", carry)), "unknown here");
  }
}

TEST_CASE("no byte of a signature can be changed or left out") {
  Keys keys;
  keys.make("vendor");
  keys.trust("vendor");
  const Bytes content = sample();
  const Bytes signature = keys.sign(content, "vendor", Carry::kNothing);
  const auto vendors = Vendors::read(keys.trusted());
  REQUIRE(vendors);
  const auto now = std::chrono::system_clock::now();
  for (std::size_t size = 0; size < signature.size(); ++size)
    CHECK(!vendors->verify(content, ByteView(signature).first(size), now));
  // The last 256 bytes are the RSA signature itself; changes in what describes it may leave it as good as it was.
  for (std::size_t at = signature.size() - 256; at < signature.size(); at += 5) {
    Bytes changed = signature;
    changed[at] ^= std::byte{0x40};
    check_refused(vendors->verify(content, changed, now), "");
  }
  Bytes longer = signature;
  longer.push_back(std::byte{0});
  check_refused(vendors->verify(content, longer, now), "something behind the signature");
}

TEST_CASE("an authority's certificate stands for those that it issued for signing code") {
  Keys keys;
  keys.make("authority");
  keys.issue("builder", "authority", "codeSigning");
  keys.issue("web", "authority", "serverAuth");
  keys.trust("authority");
  const Bytes content = sample();
  const auto signer = keys.verify(content, keys.sign(content, "builder"));
  REQUIRE_MESSAGE(signer, signer.error().message());
  CHECK(signer->name == "CN=builder");
  check_refused(keys.verify(content, keys.sign(content, "builder", Carry::kNothing)), "unknown here");
  check_refused(keys.verify(content, keys.sign(content, "web")), "was not issued for signing code");
  check_refused(keys.verify(content, keys.sign(content, "builder"), hours(24 * 7)), "has expired: CN=builder");
}

TEST_CASE("signatures that openssl makes are read, and ours by openssl") {
  Keys keys;
  keys.make("vendor");
  keys.trust("vendor");
  const Bytes content = sample();
  REQUIRE(write_file(keys.path("content"), ByteView(content)));
  for (const char* form : {"DER", "PEM"}) {
    keys.tool({"openssl", "cms", "-sign", "-binary", "-in", "content", "-signer", "vendor.pem", "-inkey", "vendor.key",
               "-outform", form, "-out", "theirs"});
    CHECK(keys.verify(content, *read_file(keys.path("theirs"))));
  }
  keys.tool({"openssl", "cms", "-sign", "-binary", "-md", "sha1", "-in", "content", "-signer", "vendor.pem", "-inkey",
             "vendor.key", "-outform", "DER", "-out", "weak"});
  check_refused(keys.verify(content, *read_file(keys.path("weak"))), "digest is not trusted");
  keys.tool({"openssl", "cms", "-sign", "-binary", "-nodetach", "-in", "content", "-signer", "vendor.pem", "-inkey", "vendor.key",
             "-outform", "DER", "-out", "with-content"});
  check_refused(keys.verify(content, *read_file(keys.path("with-content"))), "a content of its own");
  check_refused(keys.verify(content, content), "no CMS message");
  REQUIRE(write_file(keys.path("ours"), ByteView(keys.sign(content, "vendor"))));
  CHECK(keys.run({"openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", "ours", "-content", "content", "-CAfile",
                  "vendor.pem", "-purpose", "any", "-out", "/dev/null"}));
}

TEST_CASE("what cannot vouch is said at once") {
  Keys keys;
  CHECK(Vendors::read(keys.path("nowhere")).error().code() == Errc::kIo);
  REQUIRE(write_file(keys.trusted() / "README", std::string_view("not looked at")));
  CHECK(Vendors::read(keys.trusted())->size() == 0);
  REQUIRE(write_file(keys.trusted() / "broken.pem", std::string_view("no certificate")));
  CHECK(Vendors::read(keys.trusted()).error().code() == Errc::kInvalid);
}

TEST_CASE("a host with trusted vendors takes signed files alone, appended, beside or named") {
  Keys keys;
  keys.make("vendor");
  const Bytes content = sample();
  const Bytes signature = keys.sign(content, "vendor");
  REQUIRE(write_file(keys.path("plain"), ByteView(content)));
  REQUIRE(write_file(keys.path("beside"), ByteView(content)));
  REQUIRE(write_file(keys.path("beside.p7s"), ByteView(signature)));
  REQUIRE(write_file(keys.path("behind"), ByteView(append_signature(content, signature))));
  const auto now = std::chrono::system_clock::now();
  const auto checked = [&](const std::string& name, const fs::path& named,
                           const Policy& policy) -> Result<std::optional<Signer>> {
    HP_ASSIGN(const SignedFile file, read_signed_file(keys.path(name), named, 1 << 20));
    CHECK(file.content == content);
    return check(file, policy, now);
  };
  const Policy nobody = {.vendors = keys.path("nowhere"), .required = false};
  for (const char* name : {"plain", "beside", "behind"}) {
    const auto outcome = checked(name, {}, nobody);
    REQUIRE(outcome);
    CHECK(!*outcome);
  }
  CHECK(checked("beside", {}, {.vendors = keys.path("nowhere"), .required = true}).error().code() == Errc::kTrust);
  const Policy strict = {.vendors = keys.trusted(), .required = false};
  CHECK(checked("behind", {}, strict).error().code() == Errc::kTrust);  // there is a directory, and nobody in it
  keys.trust("vendor");
  CHECK(checked("plain", {}, strict).error().code() == Errc::kTrust);
  CHECK(checked("plain", keys.path("beside.p7s"), strict));
  CHECK(checked("beside", {}, strict));
  CHECK(checked("behind", {}, strict));
  CHECK(checked("behind", keys.path("plain"), strict).error().code() == Errc::kTrust);  // the one that is named counts
  CHECK(checked("plain", keys.path("absent"), strict).error().code() == Errc::kNotFound);
  CHECK(!read_signed_file(keys.path("plain"), {}, content.size() - 1));
}

}  // namespace
}  // namespace hotpatch::trust

// SPDX-License-Identifier: GPL-2.0-or-later
//
// A kernel that enforces signatures takes a module that a user's key signed, as soon as the firmware has the certificate: Debian's kernel
// trusts its platform keyring for modules, which holds what is in the firmware's db.
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "common/support/file.h"
#include "tests/e2e/e2e.h"
#include "tests/e2e/firmware_variables.h"

namespace hotpatch::e2e {
namespace {

using Json = nlohmann::json;

/// A key that nobody but the test has, and what it signed.
struct Vendor {
  Bytes certificate;  // DER
  Bytes module;
};

Vendor make_vendor() {
  const Result<TempDir> work = TempDir::make("hotpatch-keys-");
  REQUIRE(work.has_value());
  const auto openssl = [&work](std::vector<std::string> arguments) {
    process::Command command;
    command.argv = std::move(arguments);
    command.argv.insert(command.argv.begin(), "openssl");
    command.directory = work->path();
    const auto outcome = process::run_checked(command);
    REQUIRE_MESSAGE(outcome.has_value(), (outcome ? "" : outcome.error().message()));
  };
  openssl({"req", "-new", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "9", "-subj", "/CN=vendor", "-keyout", "key.pem",
           "-out", "cert.pem"});
  openssl({"x509", "-in", "cert.pem", "-outform", "DER", "-out", "cert.der"});
  const auto path = [&work](const char* name) { return (work->path() / name).string(); };
  return {content_of(path("cert.der")),
          content_of(build_module("vendored", {"--patch", source_file("tests/linux/patches/one-file.patch").string(), "--name",
                                               "vendored", "--sign-key", path("key.pem"), "--sign-cert", path("cert.pem")}))};
}

const Vendor& vendor() {
  static const Vendor made = make_vendor();
  return made;
}

/// Other text in what the patch brings, under the same signature.
Bytes tampered(Bytes module) {
  const std::string_view text = "patched=2";
  const std::size_t at = as_text(module).find(text);
  REQUIRE(at != std::string_view::npos);
  module[at + text.size() - 1] = std::byte{'3'};
  return module;
}

void try_modules(const std::string& name, const std::string& kernel_arguments, const std::vector<EnrolledCertificate>& enrolled,
                 bool has_secure_boot) {
  Guest guest(name, lab::System::kLinux);
  guest.add_payload("vendored.ko", vendor().module);
  guest.add_payload("tampered.ko", tampered(vendor().module));
  guest.add_payload("unsigned.ko", kernel_module("small"));
  guest.add_payload("unknown.ko", kernel_module("signed"));
  std::vector<std::size_t> refused;
  for (const char* file : {"tampered", "unsigned", "unknown"})
    refused.push_back(guest.add(std::string("linux-hotpatch load /payloads/") + file + ".ko --json"));
  const std::size_t untouched = guest.add("ls /sys/kernel/livepatch; grep -o patched=. /proc/cmdline");
  const std::size_t load = guest.add("linux-hotpatch load /payloads/vendored.ko --require-signature --json");
  const std::size_t patched = guest.add("grep -o patched=. /proc/cmdline");
  const std::size_t status = guest.add("linux-hotpatch status --json");
  const std::size_t lockdown = guest.add("dmesg | grep -o 'Kernel is locked down from EFI Secure Boot'");
  const std::size_t unload = guest.add("linux-hotpatch unload vendored && ! grep -o patched=. /proc/cmdline");
  lab::Options options = default_options(lab::System::kLinux);
  options.kernel_arguments = kernel_arguments;
  options.firmware_variables = firmware_variables(enrolled);
  guest.run(&options);
  for (const std::size_t step : refused) {
    CHECK_MESSAGE(guest.status(step) == 5, guest.describe(step));
    CHECK(Json::parse(guest.output(step))["outcome"] == "untrusted");
  }
  CHECK_MESSAGE(guest.output(refused[0]).find("does not fit its content") != std::string::npos, guest.describe(refused[0]));
  CHECK_MESSAGE(guest.output(refused[2]).find("the key is not trusted") != std::string::npos, guest.describe(refused[2]));
  CHECK_MESSAGE(guest.output(untouched).empty(), guest.describe(untouched));
  CHECK_MESSAGE(guest.status(load) == 0, guest.describe(load));
  CHECK_MESSAGE(guest.output(patched) == "patched=2", guest.describe(patched));
  CHECK_MESSAGE(Json::parse(guest.output(status))["kernel"]["signatures_enforced"] == true, guest.describe(status));
  CHECK_MESSAGE(guest.status(unload) == 0, guest.describe(unload));
  CHECK_MESSAGE(guest.output(lockdown).empty() != has_secure_boot, guest.describe(lockdown));
}

TEST_CASE("signatures enforced by the command line: the module of a key in the firmware's db is loaded, no other one") {
  try_modules("linux_keys", "module.sig_enforce=1", {{CertificateList::kSignatures, vendor().certificate}}, false);
}

TEST_CASE("signatures enforced by Secure Boot: the same") {
  try_modules("linux_secure_boot", "",
              {{CertificateList::kPlatformKey, vendor().certificate},
               {CertificateList::kKeyExchangeKeys, vendor().certificate},
               {CertificateList::kSignatures, vendor().certificate}},
              true);
}

}  // namespace
}  // namespace hotpatch::e2e

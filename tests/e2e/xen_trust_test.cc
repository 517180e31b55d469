// SPDX-License-Identifier: GPL-2.0-or-later
//
// Signatures from the build host to the running Xen: what a trusted vendor signed is taken, and nothing else.
#include <doctest/doctest.h>

#include "common/support/file.h"
#include "tests/e2e/e2e.h"

namespace hotpatch::e2e {
namespace {

namespace fs = std::filesystem;

/// Makes NAME.key and NAME.pem, valid for nine days.
void make_key(const fs::path& directory, const std::string& name) {
  process::Command command;
  command.argv = {"openssl", "req",   "-new",        "-x509",   "-newkey",     "rsa:2048", "-nodes",     "-days",
                  "9",       "-subj", "/CN=" + name, "-keyout", name + ".key", "-out",     name + ".pem"};
  command.directory = directory;
  const Result<process::Outcome> outcome = process::run(command);
  REQUIRE_MESSAGE((outcome && outcome->exit_status == 0), (outcome ? outcome->errors : outcome.error().message()));
}

TEST_CASE("what a trusted vendor signed is taken, and nothing else") {
  const Result<TempDir> keys = TempDir::make("hotpatch-keys-");
  REQUIRE(keys);
  const auto key = [&](const std::string& name) { return (keys->path() / name).string(); };
  make_key(keys->path(), "vendor");
  make_key(keys->path(), "stranger");
  const fs::path payload =
      build_payload("signed", {"--patch", source_file("demo/visible.patch").string(), "--sign-key", key("vendor.key"),
                               "--sign-cert", key("vendor.pem"), "--report", key("report.json")});
  for (const char* how : {"appended", "strange"}) {
    const std::string who = how == std::string("appended") ? "vendor" : "stranger";
    const process::Outcome outcome = hotpatch({"sign", payload.string(), "--sign-key", key(who + ".key"), "--sign-cert",
                                               key(who + ".pem"), "--append", "--output", key(how)});
    REQUIRE_MESSAGE(outcome.exit_status == 0, outcome.errors);
  }
  Bytes tampered = content_of(payload);
  tampered.back() ^= std::byte{1};

  Guest guest("trust");
  // Brings libcrypto along, which xen-hotpatch loads only when a signature comes, and is not seen to need.
  guest.add_program("/usr/bin/openssl");
  guest.add_payload("trusted/vendor.pem", content_of(keys->path() / "vendor.pem"));
  guest.add_payload("beside", content_of(payload));
  guest.add_payload("beside.p7s", content_of(payload.string() + ".p7s"));
  guest.add_payload("plain", content_of(payload));
  guest.add_payload("tampered", tampered);
  guest.add_payload("appended", content_of(keys->path() / "appended"));
  guest.add_payload("strange", content_of(keys->path() / "strange"));
  guest.add_payload("report.json", content_of(keys->path() / "report.json"));
  guest.add_payload("report.json.p7s", content_of(keys->path() / "report.json.p7s"));
  const std::string trusted = " --trusted /payloads/trusted ";
  const auto report = guest.add("xen-hotpatch verify /payloads/report.json" + trusted);
  const auto nobody =
      guest.add("xen-hotpatch load /payloads/beside --name fix && xen-hotpatch revert fix && xen-hotpatch unload fix");
  const auto beside = guest.add("xen-hotpatch load /payloads/beside --name fix --json" + trusted);
  const auto show = guest.add("xen-hotpatch show fix && cat /sys/hypervisor/version/extra");
  const auto out = guest.add("xen-hotpatch revert fix && xen-hotpatch unload fix");
  const auto appended = guest.add("xen-hotpatch upgrade /payloads/appended --name fix" + trusted);
  const auto appended_out = guest.add("xen-hotpatch revert fix && xen-hotpatch unload fix");
  const auto plain = guest.add("xen-hotpatch load /payloads/plain --name fix" + trusted);
  const auto strange = guest.add("xen-hotpatch load /payloads/strange --name fix" + trusted);
  const auto changed = guest.add("xen-hotpatch upload fix /payloads/tampered --signature /payloads/beside.p7s" + trusted);
  const auto required = guest.add("xen-hotpatch load /payloads/beside --name fix --require-signature");
  const auto emptied = guest.add("mkdir -p /etc/xen-hotpatch/trusted && xen-hotpatch load /payloads/beside --name fix");
  const auto expired = guest.add(
      "date -s @$(($(date +%s) + 864000)) >/dev/null && xen-hotpatch load /payloads/beside --name fix --json" + trusted);
  const auto list = guest.add("xen-hotpatch list");
  guest.run();

  CHECK_MESSAGE(guest.status(report) == 0, guest.describe(report));
  CHECK_MESSAGE(guest.output(report).find("signed by CN=vendor, SHA-256 ") != std::string::npos, guest.describe(report));
  CHECK_MESSAGE(guest.status(nobody) == 0, guest.describe(nobody));
  CHECK_MESSAGE(guest.errors(nobody).find("its signature was not checked") != std::string::npos, guest.describe(nobody));
  CHECK_MESSAGE(guest.status(beside) == 0, guest.describe(beside));
  CHECK_MESSAGE(guest.output(beside).find("\"signed_by\": \"CN=vendor, SHA-256 ") != std::string::npos, guest.describe(beside));
  CHECK_MESSAGE(guest.output(show).find("signed by    CN=vendor, SHA-256 ") != std::string::npos, guest.describe(show));
  CHECK_MESSAGE(guest.output(show).ends_with("\n.5+hotpatch"), guest.describe(show));
  CHECK_MESSAGE(guest.status(out) == 0, guest.describe(out));
  CHECK_MESSAGE(guest.status(appended) == 0, guest.describe(appended));
  CHECK_MESSAGE(guest.status(appended_out) == 0, guest.describe(appended_out));
  const auto refused = [&](std::size_t step, const std::string& why) {
    CHECK_MESSAGE(guest.status(step) == 5, guest.describe(step));
    CHECK_MESSAGE(guest.errors(step).find(why) != std::string::npos, guest.describe(step));
  };
  refused(plain, "it is not signed");
  refused(strange, "the signer CN=stranger is unknown here");
  refused(changed, "the content is not what was signed");
  refused(required, "nobody is trusted here");
  refused(emptied, "unknown here");
  refused(expired, "has expired: CN=vendor");
  CHECK_MESSAGE(guest.output(expired).find("\"outcome\": \"untrusted\"") != std::string::npos, guest.describe(expired));
  CHECK_MESSAGE(guest.output(list) == "no payloads", guest.describe(list));
}

}  // namespace
}  // namespace hotpatch::e2e

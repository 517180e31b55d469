// SPDX-License-Identifier: GPL-2.0-or-later
//
// Entries without new code: an instruction of Xen is taken away, and comes back.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "common/support/file.h"
#include "tests/e2e/e2e.h"

namespace hotpatch::e2e {
namespace {

/// The one instruction of xen_minor_version() besides its return. Without it the caller gets what it had in the register from
/// xen_major_version(), which it calls just before: 4, and not 17.
constexpr const char* kMinorVersion = "xen_minor_version:5";
constexpr const char* kReadMinor = "cat /sys/hypervisor/version/minor";

/// `hotpatch build` of these NOPs and nothing else; whatever comes of it is removed.
process::Outcome build_nops(const std::string& nops) {
  const Result<TempDir> directory = TempDir::make("hotpatch-nops-");
  REQUIRE(directory.has_value());
  return hotpatch({"build", "--base", base_directory().string(), "--nop", nops, "--output",
                   (directory->path() / "nops.livepatch").string(), "--json"});
}

TEST_CASE("NOPs take an instruction away, and a revert brings it back") {
  const std::filesystem::path alone = build_payload("alone", {"--nop", kMinorVersion});
  const process::Outcome inspected = hotpatch({"inspect", alone.string(), "--json"});
  CHECK(schema_problems("inspect", inspected.output) == "");
  const process::Outcome checked = hotpatch({"check", alone.string(), "--base", base_directory().string()});
  CHECK_MESSAGE(checked.exit_status == 0, checked.output << checked.errors);
  Guest guest("nops");
  guest.add_payload("alone", content_of(alone));
  guest.add_payload(
      "both", content_of(build_payload("both", {"--patch", source_file("demo/visible.patch").string(), "--nop", kMinorVersion})));
  const std::string minor = std::string(" && ") + kReadMinor;
  const auto original = guest.add(kReadMinor);
  const auto load = guest.add("xen-hotpatch load /payloads/alone" + minor);
  const auto show = guest.add("xen-hotpatch show alone --compare");
  const auto revert = guest.add("xen-hotpatch revert alone" + minor);
  const auto again = guest.add("xen-hotpatch apply alone" + minor);
  const auto out = guest.add("xen-hotpatch revert alone && xen-hotpatch unload alone" + minor);
  const auto both = guest.add("xen-hotpatch load /payloads/both" + minor + " && " + kReadExtra);
  const auto both_out = guest.add("xen-hotpatch revert both && xen-hotpatch unload both" + minor + " && " + kReadExtra);
  guest.run();

  CHECK_MESSAGE(guest.output(original) == "17", guest.describe(original));
  CHECK_MESSAGE(guest.output(load).ends_with("\n4"), guest.describe(load));
  CHECK_MESSAGE(guest.status(show) == 0, guest.describe(show));
  CHECK_MESSAGE(guest.output(show).find("NOPs over 5 bytes") != std::string::npos, guest.describe(show));
  CHECK_MESSAGE(guest.output(revert).ends_with("\n17"), guest.describe(revert));
  CHECK_MESSAGE(guest.output(again).ends_with("\n4"), guest.describe(again));
  CHECK_MESSAGE(guest.output(out).ends_with("\n17"), guest.describe(out));
  CHECK_MESSAGE(guest.output(both).ends_with("\n4\n.5+hotpatch"), guest.describe(both));
  CHECK_MESSAGE(guest.output(both_out).ends_with("\n17\n.5"), guest.describe(both_out));
}

TEST_CASE("the report says what is taken away, and that a human should look") {
  const process::Outcome outcome = build_nops(kMinorVersion);
  REQUIRE_MESSAGE(outcome.exit_status == 0, outcome.errors);
  CHECK(schema_problems("build", outcome.output) == "");
  const nlohmann::json report = nlohmann::json::parse(outcome.output);
  CHECK(report["safety"]["class"] == "B");
  REQUIRE(report["payload"]["nops"].size() == 1);
  CHECK(report["payload"]["nops"][0]["name"] == "xen_minor_version");
  CHECK(report["payload"]["nops"][0]["size"] == 5);
  CHECK(report["payload"]["nops"][0]["removed"] == nlohmann::json::array({"+0x0 movl $17, %eax"}));
}

TEST_CASE("NOPs that end inside of the jump to the return thunk are refused") {
  const process::Outcome outcome = build_nops("xen_minor_version:9");
  CHECK_MESSAGE(outcome.exit_status == 3, outcome.output << outcome.errors);
  CHECK(schema_problems("build", outcome.output) == "");
  CHECK_MESSAGE(outcome.output.find("HP118-nop-boundary") != std::string::npos, outcome.output);
}

TEST_CASE("a function that runs while Xen patches itself, and what is no stretch, are refused") {
  const process::Outcome path = build_nops("do_nmi:2");
  CHECK_MESSAGE(path.exit_status == 3, path.output << path.errors);
  CHECK_MESSAGE(path.output.find("HP036-patching-path") != std::string::npos, path.output);
  const process::Outcome wrong = build_nops("xen_minor_version");
  CHECK_MESSAGE(wrong.exit_status == 64, wrong.output << wrong.errors);
}

}  // namespace
}  // namespace hotpatch::e2e

// SPDX-License-Identifier: GPL-2.0-or-later
//
// xen.efi: a base made beside that of xen.gz, a payload for it, and its life on a Xen that firmware has started.
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "common/support/file.h"
#include "tests/e2e/e2e.h"

namespace hotpatch::e2e {
namespace {

nlohmann::json document_of(const process::Outcome& outcome) {
  REQUIRE_MESSAGE(outcome.exit_status == 0, outcome.output << outcome.errors);
  auto document = nlohmann::json::parse(outcome.output, nullptr, false);
  REQUIRE(document.is_object());
  return document;
}

TEST_CASE("a base of xen.efi is proven, and its payload lives on the Xen that firmware started, and on no other") {
  const Result<TempDir> work = TempDir::make("hotpatch-efi-");
  REQUIRE(work.has_value());
  const std::string base = (work->path() / "base").string();
  const auto made =
      document_of(hotpatch({"base", "create", "xen", "--efi-of", base_directory().string(), "--output", base, "--json"}))["base"];
  CHECK(made["grade"] == "identical");
  CHECK(made["boot_image"] == "image/xen.efi");
  CHECK(made["build_id"].get<std::string>().size() == 32);
  CHECK(made["proven_functions"] > 3000);
  CHECK(document_of(hotpatch({"base", "verify", base, "--json"}))["problems"].empty());
  const auto beside = document_of(hotpatch({"base", "show", base_directory().string(), "--json"}))["base"];
  CHECK(made["build_id"] != beside["build_id"]);
  CHECK(made["proven_functions"] == beside["proven_functions"]);
  CHECK(made["proven_bytes"] == beside["proven_bytes"]);

  std::vector<std::string> build = {"build", "--base", base, "--patch", source_file("demo/visible.patch").string()};
  if (const auto place = corpus())
    build.insert(build.end(), {"--patch", (*place / "xen/0002-x86-shadow-don-t-overrun-trace-emul-write-val.patch").string()});
  const std::string payload = (work->path() / "efi.livepatch").string();
  build.insert(build.end(), {"--name", "efi", "--output", payload});
  const process::Outcome built = hotpatch(build);
  REQUIRE_MESSAGE(built.exit_status == 0, built.output << built.errors);
  CHECK(built.output.find(made["build_id"].get<std::string>()) != std::string::npos);
  const process::Outcome checked = hotpatch({"check", payload, "--base", base});
  CHECK_MESSAGE(checked.exit_status == 0, checked.output << checked.errors);
  const process::Outcome refused = hotpatch({"check", payload, "--base", base_directory().string()});
  CHECK_MESSAGE(refused.exit_status == 5, refused.output << refused.errors);

  const auto told = document_of(hotpatch({"try", payload, "--base", base, "--probe", kReadExtra, "--timeout", "400", "--json"}));
  CHECK(told["verdict"] == "passed");
  CHECK(told["probe"]["changed"] == true);
  CHECK(told["probe"]["restored"] == true);
  bool by_firmware = false;
  for (const auto& line : told["console"]) by_firmware = by_firmware || line == "(XEN) Bootloader: EFI";
  CHECK(by_firmware);
}

}  // namespace
}  // namespace hotpatch::e2e

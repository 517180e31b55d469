// SPDX-License-Identifier: GPL-2.0-or-later
//
// The command `hotpatch try` on a base of Linux: a good patch, with a module loaded anew, and one that kills the kernel.
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "common/support/file.h"
#include "tests/e2e/e2e.h"

namespace hotpatch::e2e {
namespace {

process::Outcome try_module(const std::string& name, std::vector<std::string> more) {
  const Result<TempDir> directory = TempDir::make("hotpatch-e2e-");
  REQUIRE(directory.has_value());
  const std::filesystem::path file = directory->path() / (name + ".ko");
  REQUIRE(write_file(file, ByteView(kernel_module(name))).has_value());
  std::vector<std::string> arguments = {"try",     file.string(),       "--base",    linux_base_directory().string(),
                                        "--probe", "cat /proc/cmdline", "--timeout", "400"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return hotpatch(arguments);
}

TEST_CASE("try tells the story of a live patch, with a shipped module loaded anew") {
  const process::Outcome outcome = try_module("small", {"--module", "binfmt-misc", "--json"});
  REQUIRE_MESSAGE(outcome.exit_status == 0, outcome.output << outcome.errors);
  CHECK(schema_problems("try", outcome.output) == "");
  const auto told = nlohmann::json::parse(outcome.output, nullptr, false);
  REQUIRE(told.contains("steps"));
  CHECK(told["verdict"] == "passed");
  CHECK(told["kernel"].get<std::string>().find("-amd64") != std::string::npos);
  CHECK(told["probe"]["changed"] == true);
  CHECK(told["probe"]["restored"] == true);
  std::vector<std::string> names;
  for (const auto& step : told["steps"]) {
    names.push_back(step["name"]);
    CHECK(step["state"] == "done");
  }
  CHECK(names == std::vector<std::string>{"module binfmt_misc", "probe, original", "the log before the patches", "load small",
                                          "probe, patched", "module binfmt_misc out", "module binfmt_misc in again",
                                          "probe, patched, binfmt_misc anew", "unload small", "probe, reverted",
                                          "the kernel has no new complaints"});
}

// Nobody brings the random numbers that the self-test of ecdh_generic asks for: the kernel as shipped warns.
TEST_CASE("what the kernel warns of by itself is told, and not held against a live patch; what the patch warns of is") {
  const process::Outcome good = try_module("small", {"--module", "bluetooth"});
  CHECK_MESSAGE(good.exit_status == 0, good.output << good.errors);
  CHECK_MESSAGE(good.output.find("it warns without the patches:") != std::string::npos, good.output);
  CHECK(good.output.find("alg_test") != std::string::npos);
  const process::Outcome bad = try_module("warn", {"--module", "bluetooth"});
  CHECK(bad.exit_status == 1);
  CHECK_MESSAGE(bad.output.find("the step 'the kernel has no new complaints' ended with status 1") != std::string::npos,
                bad.output);
}

TEST_CASE("what a module wants softly is loaded before it") {
  const process::Outcome outcome = try_module("small", {"--module", "libcrc32c"});  // MODULE_SOFTDEP("pre: crc32c"), an algorithm
  CHECK_MESSAGE(outcome.exit_status == 0, outcome.output << outcome.errors);
  CHECK(outcome.output.find("module crc32c_generic") != std::string::npos);
}

TEST_CASE("a live patch that kills the kernel gives the oops, its console and exit status 1") {
  const process::Outcome outcome = try_module("crash", {});
  CHECK(outcome.exit_status == 1);
  CHECK_MESSAGE(outcome.output.find("crashed: the kernel met an oops") != std::string::npos, outcome.output << outcome.errors);
  CHECK(outcome.output.find("new_cmdline") != std::string::npos);
}

TEST_CASE("a live patch of another build ends the trial with the tool's own word for it") {
  const process::Outcome outcome = try_module("foreign", {});
  CHECK_MESSAGE(outcome.exit_status == 5, outcome.output << outcome.errors);
}

}  // namespace
}  // namespace hotpatch::e2e

// SPDX-License-Identifier: GPL-2.0-or-later
//
// Real fixes of real flaws, from the corpus of patches, on the stock hypervisor.
#include <cstdlib>
#include <iostream>
#include <vector>

#include <doctest/doctest.h>

#include "tests/e2e/e2e.h"

namespace hotpatch::e2e {
namespace {

struct Fix {
  const char* id;
  bool reverse;  // the base has the fix: the payload brings the old code back
  const char* function;
  std::size_t upload = 0;
  std::size_t apply = 0;
  std::size_t show = 0;
  std::size_t revert = 0;
  std::size_t unload = 0;
};

std::filesystem::path patch_of(const std::filesystem::path& corpus, const std::string& id) {
  for (const auto& entry : std::filesystem::directory_iterator(corpus / "xen"))
    if (entry.path().filename().string().starts_with(id + "-")) return entry.path();
  FAIL("the corpus has no patch " << id);
  return {};
}

TEST_CASE("three real fixes are built, applied on top of each other and reverted on the stock hypervisor") {
  const auto place = corpus();
  if (!place) {
    std::cerr << "*** THE CORPUS TEST DID NOT RUN: there is no corpus of patches at ../shared/corpus, and HOTPATCH_CORPUS names "
                 "none. ***\n";
    const char* ci = std::getenv("CI");
    if (std::getenv("HOTPATCH_CORPUS") != nullptr ||
        (ci != nullptr && std::string(ci) == "true" && std::filesystem::exists(source_file("../shared"))))
      FAIL("it was to be expected here, so this is a failure");
    mark_skipped();
    return;
  }
  std::vector<Fix> fixes = {{"0044", false, "p2m_pod_"}, {"0042", false, "evtchn_fifo_"}, {"0150", true, "gnttab_"}};
  Guest guest("corpus");
  std::filesystem::path below;
  for (Fix& fix : fixes) {
    const std::string id = fix.id;
    std::vector<std::string> arguments = {"--patch", patch_of(*place, id).string()};
    if (fix.reverse) arguments.emplace_back("--reverse");
    if (!below.empty()) arguments.insert(arguments.end(), {"--depends", below.string()});
    below = build_payload(id, arguments);
    guest.add_payload(id, content_of(below));
    fix.upload = guest.add("xen-hotpatch upload " + id + " /payloads/" + id);
    fix.apply = guest.add("xen-hotpatch apply " + id);
    fix.show = guest.add("xen-hotpatch show " + id);
  }
  // Dom0 has lived under them all: event channels, memory and grants are what it uses all the time.
  const auto alive = guest.add("xen-hotpatch status && cat /sys/hypervisor/version/extra && head -c 20000000 /dev/zero | md5sum");
  for (auto fix = fixes.rbegin(); fix != fixes.rend(); ++fix) {
    fix->revert = guest.add(std::string("xen-hotpatch revert ") + fix->id);
    fix->unload = guest.add(std::string("xen-hotpatch unload ") + fix->id);
  }
  const auto list = guest.add("xen-hotpatch list");
  guest.run();
  for (const Fix& fix : fixes) {
    CAPTURE(fix.id);
    for (const auto step : {fix.upload, fix.apply, fix.revert, fix.unload})
      CHECK_MESSAGE(guest.status(step) == 0, guest.describe(step));
    CHECK_MESSAGE(guest.console_lines(fix.apply, "finished APPLY with rc=0") == 1, guest.describe(fix.apply));
    CHECK_MESSAGE(guest.console_lines(fix.revert, "finished REVERT with rc=0") == 1, guest.describe(fix.revert));
    CHECK_MESSAGE(guest.output(fix.show).find(fix.function) != std::string::npos, guest.describe(fix.show));
  }
  CHECK_MESSAGE(guest.status(alive) == 0, guest.describe(alive));
  CHECK_MESSAGE(guest.output(list) == "no payloads", guest.describe(list));
}

}  // namespace
}  // namespace hotpatch::e2e

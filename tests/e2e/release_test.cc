// SPDX-License-Identifier: GPL-2.0-or-later
//
// Another release of Xen than the one that the other tests patch: whatever base HOTPATCH_OTHER_BASE names, made with
// `hotpatch base create xen --source … --boot …`. The same program talks to it, and the same payload's life is lived there.
// HOTPATCH_OTHER_PATCH names one more patch for the payload.
#include <cstdlib>
#include <iostream>
#include <vector>

#include <doctest/doctest.h>

#include "buildenv/base.h"
#include "common/support/file.h"
#include "tests/e2e/e2e.h"

namespace hotpatch::e2e {
namespace {

TEST_CASE("the life of a payload on another release of Xen") {
  const char* other = std::getenv("HOTPATCH_OTHER_BASE");
  if (other == nullptr) {
    std::cout << "not run: HOTPATCH_OTHER_BASE names no base of another release\n";
    mark_skipped();
    return;
  }
  const auto base = buildenv::load_base(other);
  REQUIRE_MESSAGE(base.has_value(), (base ? "" : base.error().message()));
  const Result<TempDir> work = TempDir::make("hotpatch-release-");
  REQUIRE(work.has_value());
  const std::filesystem::path payload = work->path() / "other.livepatch";
  std::vector<std::string> build = {"build",  "--base", other,      "--patch",       source_file("demo/visible.patch").string(),
                                    "--name", "other",  "--output", payload.string()};
  if (const char* more = std::getenv("HOTPATCH_OTHER_PATCH")) build.insert(build.end(), {"--patch", more});
  const process::Outcome built = hotpatch(build);
  REQUIRE_MESSAGE(built.exit_status == 0, built.output << built.errors);
  Guest guest("other-release");
  guest.add_payload("other", content_of(payload));
  guest.add_payload("foreign", content_of(build_payload("foreign", {"--patch", source_file("demo/visible.patch").string()})));
  const auto status = guest.add("xen-hotpatch status");
  const auto foreign = guest.add("xen-hotpatch load /payloads/foreign");
  const auto load = guest.add("xen-hotpatch load /payloads/other && " + std::string(kReadExtra));
  const auto show = guest.add("xen-hotpatch show other --compare");
  const auto cycle = guest.add("xen-hotpatch revert other && xen-hotpatch apply other && xen-hotpatch list");
  const auto out =
      guest.add("xen-hotpatch revert other && xen-hotpatch unload other && xen-hotpatch list && " + std::string(kReadExtra));
  lab::Options options = default_options();
  options.boot_image = base->boot_path();
  guest.run(&options);
  CHECK_MESSAGE(guest.status(status) == 0, guest.describe(status));
  CHECK_MESSAGE(guest.status(foreign) == 5, guest.describe(foreign));
  CHECK_MESSAGE(guest.status(load) == 0, guest.describe(load));
  CHECK_MESSAGE(guest.output(load).ends_with("+hotpatch"), guest.describe(load));
  CHECK_MESSAGE(guest.output(load).find("linked for it") != std::string::npos, guest.describe(load));
  CHECK_MESSAGE(guest.status(show) == 0, guest.describe(show));
  CHECK_MESSAGE(guest.status(cycle) == 0, guest.describe(cycle));
  CHECK_MESSAGE(guest.status(out) == 0, guest.describe(out));
  CHECK_MESSAGE(guest.output(out).find("no payloads") != std::string::npos, guest.describe(out));
  CHECK_MESSAGE(guest.output(out).find("+hotpatch") == std::string::npos, guest.describe(out));
  std::cout << guest.output(status) << "\n";
}

}  // namespace
}  // namespace hotpatch::e2e

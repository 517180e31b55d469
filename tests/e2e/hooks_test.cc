// SPDX-License-Identifier: GPL-2.0-or-later
//
// Hooks of every kind from a user's C file: when Xen runs them, what they forbid, and a payload of hooks alone.
#include <doctest/doctest.h>

#include "tests/e2e/e2e.h"

namespace hotpatch::e2e {
namespace {

std::string hooks(const std::string& name) { return source_file("tests/e2e/hooks/" + name + ".c").string(); }
std::string visible_patch() { return source_file("demo/visible.patch").string(); }

/// The step's console lines of hooks, in their order, without what is before "hook: ".
std::string hook_lines(const Guest& guest, std::size_t step) {
  std::string lines;
  for (const std::string& line : guest.transcript().steps.at(step).console) {
    const std::size_t at = line.find("hook: ");
    if (at != std::string::npos) lines += line.substr(at + 6) + "\n";
  }
  return lines;
}

TEST_CASE("hooks run in Xen's order, and say what may follow them") {
  Guest guest("hooks");
  guest.add_payload("life", content_of(build_payload("life", {"--patch", visible_patch(), "--hooks", hooks("life")})));
  guest.add_payload("count", content_of(build_payload("count", {"--hooks", hooks("count")})));
  guest.add_payload("action", content_of(build_payload("action", {"--patch", visible_patch(), "--hooks", hooks("action")})));
  const std::string read_extra = std::string(" && ") + kReadExtra;
  // A hook that runs before the barrier runs again when the barrier was missed: these shall not.
  const std::string patient = " --timeout 4000 --longest-timeout 4000 ";
  const auto load = guest.add("xen-hotpatch load" + patient + "/payloads/life" + read_extra);
  const auto revert = guest.add("xen-hotpatch revert" + patient + "life" + read_extra);
  const auto again = guest.add("xen-hotpatch apply" + patient + "life" + read_extra);
  const auto replace = guest.add("xen-hotpatch upload action /payloads/action && xen-hotpatch replace" + patient + "action");
  const auto life_out = guest.add("xen-hotpatch revert" + patient + "life && xen-hotpatch unload life");
  const auto action = guest.add("xen-hotpatch apply" + patient + "action" + read_extra);
  const auto action_out = guest.add("xen-hotpatch revert" + patient + "action && xen-hotpatch unload action" + read_extra);
  const auto count = guest.add("xen-hotpatch load" + patient + "/payloads/count && xen-hotpatch show count");
  const auto count_revert = guest.add("xen-hotpatch revert" + patient + "count");
  const auto count_again = guest.add("xen-hotpatch apply" + patient + "count");
  const auto count_anew = guest.add("xen-hotpatch load" + patient + "/payloads/count");
  const auto count_out = guest.add("xen-hotpatch revert" + patient + "count && xen-hotpatch unload count && xen-hotpatch list");
  guest.run();

  CHECK_MESSAGE(guest.output(load).ends_with("\n.5+hotpatch"), guest.describe(load));
  CHECK(hook_lines(guest, load) == "before apply of life\nload\nafter apply, rc 0\n");
  CHECK_MESSAGE(guest.output(revert).ends_with("\n.5"), guest.describe(revert));
  CHECK(hook_lines(guest, revert) == "before revert of life\nunload\nafter revert, rc 0\n");
  CHECK_MESSAGE(guest.output(again).ends_with("\n.5+hotpatch"), guest.describe(again));
  CHECK(hook_lines(guest, again) == "before apply of life\nload\nafter apply, rc 0\n");
  CHECK_MESSAGE(guest.status(replace) == 1, guest.describe(replace));
  CHECK_MESSAGE(guest.errors(replace).find("hook that runs before or after") != std::string::npos, guest.describe(replace));
  CHECK_MESSAGE(hook_lines(guest, replace).empty(), guest.describe(replace));
  CHECK_MESSAGE(guest.status(life_out) == 0, guest.describe(life_out));

  CHECK_MESSAGE(guest.output(action).ends_with("\n.5"), guest.describe(action));
  CHECK(hook_lines(guest, action) == "marked 1 functions 1\n");
  CHECK_MESSAGE(guest.output(action_out).ends_with("\n.5"), guest.describe(action_out));
  CHECK(hook_lines(guest, action_out) == "marked 1 functions 0\n");

  CHECK_MESSAGE(guest.status(count) == 0, guest.describe(count));
  CHECK(hook_lines(guest, count) == "called 1 times\n");
  CHECK(hook_lines(guest, count_revert) == "called 2 times\n");
  CHECK_MESSAGE(guest.status(count_again) == 1, guest.describe(count_again));
  CHECK_MESSAGE(guest.errors(count_again).find("it was applied before") != std::string::npos, guest.describe(count_again));
  CHECK_MESSAGE(hook_lines(guest, count_again).empty(), guest.describe(count_again));
  CHECK_MESSAGE(guest.status(count_anew) == 0, guest.describe(count_anew));
  CHECK(hook_lines(guest, count_anew) == "called 1 times\n");
  CHECK_MESSAGE(guest.output(count_out).ends_with("no payloads"), guest.describe(count_out));
}

TEST_CASE("a hook that is not marked cf_check is refused") {
  const process::Outcome outcome =
      hotpatch({"build", "--base", base_directory().string(), "--hooks", hooks("unmarked"), "--output", "/dev/null"});
  CHECK_MESSAGE(outcome.exit_status == 3, outcome.output << outcome.errors);
  CHECK_MESSAGE(outcome.output.find("HP126-hook-endbr") != std::string::npos, outcome.output);
}

}  // namespace
}  // namespace hotpatch::e2e

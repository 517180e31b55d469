// SPDX-License-Identifier: GPL-2.0-or-later
//
// Xen's own fourteen test payloads, built from the base's source, through xen-hotpatch: each outcome as the sources of the payloads and of
// Xen's livepatch.c have it. They use what our linker never makes: symbols to be looked up, hooks of every kind, metadata without a
// load-address word. Xen relocates them, as nobody could see where they lie.
#include <doctest/doctest.h>

#include "common/support/file.h"
#include "tests/e2e/e2e.h"

namespace hotpatch::e2e {
namespace {

constexpr const char* kNames[] = {
    "xen_hello_world",         "xen_bye_world",           "xen_replace_world",        "xen_nop",
    "xen_no_xen_buildid",      "xen_prepost_hooks",       "xen_prepost_hooks_fail",   "xen_action_hooks",
    "xen_action_hooks_nofunc", "xen_action_hooks_marker", "xen_action_hooks_noapply", "xen_action_hooks_norevert",
    "xen_expectations",        "xen_expectations_fail",
};

const std::string kExtra = std::string(" && ") + kReadExtra;

void add_payloads(Guest& guest) {
  static const Result<TempDir> directory = TempDir::make("hotpatch-upstream-");
  REQUIRE(directory.has_value());
  if (!std::filesystem::exists(directory->path() / "xen_nop.livepatch")) {
    process::Command command;
    command.argv = {source_file("tests/e2e/upstream_payloads.py").string(), base_directory().string(),
                    directory->path().string()};
    const Result<process::Outcome> outcome = process::run(command);
    REQUIRE_MESSAGE((outcome && outcome->exit_status == 0), (outcome ? outcome->errors : outcome.error().message()));
  }
  for (const std::string name : kNames) guest.add_payload(name, content_of(directory->path() / (name + ".livepatch")));
}

std::string load(const std::string& name) { return "xen-hotpatch load /payloads/" + name + " --name " + name; }
std::string out(const std::string& name) { return "xen-hotpatch revert " + name + " && xen-hotpatch unload " + name; }
std::string state(const std::string& name) { return "xen-hotpatch list | grep '^" + name + " ' | awk '{print $2, $3, $4}'"; }

TEST_CASE("hello, bye and replace: hooks, a stack, an apply that cannot be repeated, a replacement") {
  Guest guest("upstream-world");
  add_payloads(guest);
  const auto bye_alone = guest.add(load("xen_bye_world"));
  const auto hello = guest.add(load("xen_hello_world") + kExtra);
  const auto metadata = guest.add("xen-hotpatch show xen_hello_world");
  const auto again = guest.add("xen-hotpatch upload xen_hello_world /payloads/xen_hello_world");
  const auto other_name = guest.add("xen-hotpatch upload hello2 /payloads/xen_hello_world");
  const auto unload_applied = guest.add("xen-hotpatch unload xen_hello_world");
  const auto revert = guest.add("xen-hotpatch revert xen_hello_world" + kExtra);
  const auto reapply = guest.add("xen-hotpatch apply xen_hello_world");
  const auto reload = guest.add(load("xen_hello_world") + kExtra);
  const auto bye = guest.add(load("xen_bye_world") + kExtra);
  const auto wrong_order = guest.add("xen-hotpatch revert xen_hello_world");
  const auto bye_again = guest.add("xen-hotpatch revert xen_bye_world && xen-hotpatch apply xen_bye_world" + kExtra);
  const auto upload_replace = guest.add("xen-hotpatch upload xen_replace_world /payloads/xen_replace_world");
  const auto apply_replace = guest.add("xen-hotpatch apply xen_replace_world");
  const auto replace = guest.add("xen-hotpatch replace xen_replace_world" + kExtra);
  const auto states = guest.add("xen-hotpatch list");
  const auto away =
      guest.add(out("xen_replace_world") + " && xen-hotpatch unload xen_bye_world && xen-hotpatch unload xen_hello_world" +
                " && xen-hotpatch list" + kExtra);
  guest.run();

  CHECK_MESSAGE(guest.status(bye_alone) == 1, guest.describe(bye_alone));
  CHECK_MESSAGE(guest.output(hello).find("\nHello World") != std::string::npos, guest.describe(hello));
  CHECK_MESSAGE(guest.errors(hello).find("Xen relocated xen_hello_world itself") != std::string::npos, guest.describe(hello));
  CHECK_MESSAGE(guest.console_lines(hello, "Hook executing") == 1, guest.describe(hello));
  CHECK_MESSAGE(guest.console_lines(hello, "Hi! (called 1 times)") == 1, guest.describe(hello));
  CHECK_MESSAGE(guest.output(metadata).find("LIVEPATCH_RULEZ") != std::string::npos, guest.describe(metadata));
  CHECK_MESSAGE(guest.output(again).find("already loaded") != std::string::npos, guest.describe(again));
  CHECK_MESSAGE(guest.status(other_name) == 1, guest.describe(other_name));
  CHECK_MESSAGE(guest.errors(other_name).find("the same payload is loaded as xen_hello_world") != std::string::npos,
                guest.describe(other_name));
  CHECK_MESSAGE(guest.status(unload_applied) == 1, guest.describe(unload_applied));
  CHECK_MESSAGE(guest.output(revert).find("\n.5") != std::string::npos, guest.describe(revert));
  CHECK_MESSAGE(guest.console_lines(revert, "called 2 times") >= 1, guest.describe(revert));
  CHECK_MESSAGE(guest.console_lines(revert, "Hook unloaded") == 1, guest.describe(revert));
  CHECK_MESSAGE(guest.status(reapply) == 1, guest.describe(reapply));
  CHECK_MESSAGE(guest.errors(reapply).find("it was applied before") != std::string::npos, guest.describe(reapply));
  CHECK_MESSAGE(guest.output(reload).find("\nHello World") != std::string::npos, guest.describe(reload));
  CHECK_MESSAGE(guest.output(bye).find("\nBye World!") != std::string::npos, guest.describe(bye));
  CHECK_MESSAGE(guest.status(wrong_order) == 1, guest.describe(wrong_order));
  CHECK_MESSAGE(guest.output(bye_again).find("\nBye World!") != std::string::npos, guest.describe(bye_again));
  CHECK_MESSAGE(guest.status(upload_replace) == 0, guest.describe(upload_replace));
  CHECK_MESSAGE(guest.status(apply_replace) == 1, guest.describe(apply_replace));
  CHECK_MESSAGE(guest.output(replace).find("\nHello Again Wor") != std::string::npos, guest.describe(replace));
  CHECK_MESSAGE(guest.output(states).find("xen_replace_world  applied") != std::string::npos, guest.describe(states));
  CHECK_MESSAGE(guest.output(states).find("xen_bye_world      checked") != std::string::npos, guest.describe(states));
  CHECK_MESSAGE(guest.output(states).find("xen_hello_world    checked") != std::string::npos, guest.describe(states));
  CHECK_MESSAGE(guest.output(away).find("no payloads\n.5") != std::string::npos, guest.describe(away));
}

TEST_CASE("NOPs, a missing build ID, and expectations that hold and do not") {
  Guest guest("upstream-bytes");
  add_payloads(guest);
  const auto nop = guest.add(load("xen_nop") + " && cat /sys/hypervisor/version/minor");
  const auto no_nop = guest.add(out("xen_nop") + " && cat /sys/hypervisor/version/minor");
  const auto no_id = guest.add("xen-hotpatch upload xen_no_xen_buildid /payloads/xen_no_xen_buildid");
  const auto expect = guest.add(load("xen_expectations") + kExtra);
  const auto expect_out = guest.add(out("xen_expectations") + kExtra);
  const auto patched = guest.add(load("xen_action_hooks_marker") + " && " + load("xen_expectations"));
  const auto marker_out = guest.add(out("xen_action_hooks_marker") + kExtra);
  const auto upload_fail = guest.add("xen-hotpatch upload xen_expectations_fail /payloads/xen_expectations_fail");
  const auto apply_fail = guest.add("xen-hotpatch apply xen_expectations_fail");
  const auto fail_state = guest.add(state("xen_expectations_fail") + kExtra);
  const auto list = guest.add("xen-hotpatch unload xen_expectations_fail && xen-hotpatch list");
  guest.run();

  CHECK_MESSAGE(guest.status(nop) == 0, guest.describe(nop));
  CHECK_MESSAGE(guest.output(nop).find("\n17") == std::string::npos, guest.describe(nop));
  CHECK_MESSAGE(guest.output(no_nop).find("\n17") != std::string::npos, guest.describe(no_nop));
  const bool id_refused = guest.status(no_id) == 3 || guest.status(no_id) == 1;
  CHECK_MESSAGE(id_refused, guest.describe(no_id));
  CHECK_MESSAGE(guest.errors(no_id).find(".livepatch.xen_depends") != std::string::npos, guest.describe(no_id));
  CHECK_MESSAGE(guest.output(expect).find("\nHello World") != std::string::npos, guest.describe(expect));
  CHECK_MESSAGE(guest.output(expect_out).find("\n.5") != std::string::npos, guest.describe(expect_out));
  CHECK_MESSAGE(guest.status(patched) == 1, guest.describe(patched));
  CHECK_MESSAGE(guest.output(marker_out).find("\n.5") != std::string::npos, guest.describe(marker_out));
  CHECK_MESSAGE(guest.status(upload_fail) == 0, guest.describe(upload_fail));
  CHECK_MESSAGE(guest.status(apply_fail) == 1, guest.describe(apply_fail));
  CHECK_MESSAGE(guest.output(fail_state).starts_with("checked 2"), guest.describe(fail_state));  // no rc: refused at once
  CHECK_MESSAGE(guest.output(fail_state).ends_with("\n.5"), guest.describe(fail_state));
  CHECK_MESSAGE(guest.output(list).ends_with("no payloads"), guest.describe(list));
}

// A hook that runs before an action runs again when the barrier was missed, and these count how often they run: on a busy machine only
// a barrier that is not missed gives the outcomes that their source has.
std::string patient_load(const std::string& name) { return load(name) + " --timeout 4000"; }
std::string patient_out(const std::string& name) {
  return "xen-hotpatch revert --timeout 4000 " + name + " && xen-hotpatch unload " + name;
}

TEST_CASE("hooks before, after and in the place of the action") {
  Guest guest("upstream-hooks");
  add_payloads(guest);
  const auto prepost = guest.add(patient_load("xen_prepost_hooks") + kExtra);
  const auto first_revert = guest.add("xen-hotpatch revert --timeout 4000 xen_prepost_hooks");
  const auto still_applied = guest.add(state("xen_prepost_hooks") + kExtra);
  const auto second_revert = guest.add("xen-hotpatch revert --timeout 4000 xen_prepost_hooks" + kExtra);
  const auto reapply = guest.add("xen-hotpatch apply --timeout 4000 xen_prepost_hooks");
  const auto replace = guest.add("xen-hotpatch unload xen_prepost_hooks && " +
                                 std::string("xen-hotpatch upload xen_prepost_hooks /payloads/xen_prepost_hooks && ") +
                                 "xen-hotpatch replace --timeout 4000 xen_prepost_hooks");
  const auto prepost_out = guest.add("xen-hotpatch unload xen_prepost_hooks");
  const auto vetoed = guest.add("xen-hotpatch upload xen_prepost_hooks_fail /payloads/xen_prepost_hooks_fail && " +
                                std::string("xen-hotpatch apply --timeout 4000 xen_prepost_hooks_fail"));
  const auto vetoed_state =
      guest.add(state("xen_prepost_hooks_fail") + kExtra + " && xen-hotpatch unload xen_prepost_hooks_fail");
  const auto action = guest.add(patient_load("xen_action_hooks") + " && " + state("xen_action_hooks") + kExtra);
  const auto action_out = guest.add(patient_out("xen_action_hooks"));
  const auto nofunc = guest.add(patient_load("xen_action_hooks_nofunc") + " && " + patient_out("xen_action_hooks_nofunc"));
  const auto marker = guest.add(patient_load("xen_action_hooks_marker") + kExtra);
  const auto marker_out = guest.add(patient_out("xen_action_hooks_marker") + kExtra);
  const auto noapply = guest.add("xen-hotpatch upload xen_action_hooks_noapply /payloads/xen_action_hooks_noapply && " +
                                 std::string("xen-hotpatch apply --timeout 4000 xen_action_hooks_noapply"));
  const auto noapply_state =
      guest.add(state("xen_action_hooks_noapply") + kExtra + " && xen-hotpatch unload xen_action_hooks_noapply");
  const auto norevert = guest.add(patient_load("xen_action_hooks_norevert") + kExtra);
  const auto norevert_out = guest.add("xen-hotpatch revert --timeout 4000 xen_action_hooks_norevert");
  const auto norevert_state =
      guest.add(state("xen_action_hooks_norevert") + kExtra + " && xen-hotpatch unload xen_action_hooks_norevert");
  const auto list = guest.add("xen-hotpatch list");
  guest.run();

  CHECK_MESSAGE(guest.output(prepost).find("\nHello World") != std::string::npos, guest.describe(prepost));
  CHECK_MESSAGE(guest.status(first_revert) == 1, guest.describe(first_revert));
  CHECK_MESSAGE(guest.errors(first_revert).find("hook") != std::string::npos, guest.describe(first_revert));
  CHECK_MESSAGE(guest.output(still_applied).find("applied (rc -1)\nHello World") != std::string::npos,
                guest.describe(still_applied));
  CHECK_MESSAGE(guest.output(second_revert).find("\n.5") != std::string::npos, guest.describe(second_revert));
  CHECK_MESSAGE(guest.status(reapply) == 1, guest.describe(reapply));
  CHECK_MESSAGE(guest.status(replace) == 1, guest.describe(replace));
  CHECK_MESSAGE(guest.errors(replace).find("hook that runs before or after") != std::string::npos, guest.describe(replace));
  CHECK_MESSAGE(guest.status(prepost_out) == 0, guest.describe(prepost_out));
  CHECK_MESSAGE(guest.status(vetoed) == 1, guest.describe(vetoed));
  CHECK_MESSAGE(guest.output(vetoed_state).find("checked (rc -22)\n.5") != std::string::npos, guest.describe(vetoed_state));
  CHECK_MESSAGE(guest.output(action).find("applied") != std::string::npos, guest.describe(action));
  CHECK_MESSAGE(guest.output(action).find("\n.5") != std::string::npos, guest.describe(action));
  CHECK_MESSAGE(guest.status(action_out) == 0, guest.describe(action_out));
  CHECK_MESSAGE(guest.status(nofunc) == 0, guest.describe(nofunc));
  CHECK_MESSAGE(guest.output(marker).find("\nHello World") != std::string::npos, guest.describe(marker));
  CHECK_MESSAGE(guest.output(marker_out).find("\n.5") != std::string::npos, guest.describe(marker_out));
  CHECK_MESSAGE(guest.status(noapply) == 1, guest.describe(noapply));
  CHECK_MESSAGE(guest.output(noapply_state).find("checked (rc -22)\n.5") != std::string::npos, guest.describe(noapply_state));
  CHECK_MESSAGE(guest.output(norevert).find("\nHello World") != std::string::npos, guest.describe(norevert));
  CHECK_MESSAGE(guest.status(norevert_out) == 1, guest.describe(norevert_out));
  CHECK_MESSAGE(guest.errors(norevert_out).find("is checked now, but Xen reports an error") != std::string::npos,
                guest.describe(norevert_out));
  CHECK_MESSAGE(guest.output(norevert_state).find("checked (rc -22)\n.5") != std::string::npos, guest.describe(norevert_state));
  CHECK_MESSAGE(guest.output(list).ends_with("no payloads"), guest.describe(list));
}

}  // namespace
}  // namespace hotpatch::e2e

// SPDX-License-Identifier: GPL-2.0-or-later
//
// What may come to the live patches that are in effect, and what may go.
#include "linux/host/stack.h"

#include <algorithm>

#include "linux/host/probes.h"
#include "tests/unit/linux_host/desk.h"

namespace hotpatch::kernel::host {
namespace {

const std::string kKprobes = "/sys/kernel/debug/kprobes/list";
const std::string kTracers = "/sys/kernel/tracing/enabled_functions";

/// A host on which modules of several names can be loaded, one after the other.
struct Host : Desk {
  Host() {
    kernel.on_insert = [this] {
      appear(next, id_of(next), false);
      return 0;
    };
    kernel.on_write = [this](const std::string& path, const std::string& text) {
      const std::size_t end = path.rfind("/enabled");
      if (end != std::string::npos && text == "0") kernel.drop(path.substr(0, end));
      return 0;
    };
    kernel.files[kKprobes] = "";
    kernel.files[kTracers] = "";
  }

  Result<Outcome> load_one(const std::string& name, const KeyValues& more = {},
                           const std::string& function = "vmlinux pipe_read,1") {
    next = name;
    module.info.entries = {{"livepatch", "Y"}, {"name", name}, {"hotpatch_replaces", "none"}};
    for (const auto& [key, value] : more) module.info.entries.emplace_back("hotpatch_" + key, value);
    module.info.build_id = BuildId(as_byte_view(id_of(name)));
    module.functions = {function};
    return load(session(), module);
  }

  /// Four bytes, as note() wants them.
  static std::string id_of(const std::string& name) { return (name + "____").substr(0, 4); }

  std::string next;
};

template <typename Value>
std::string message(const Result<Value>& outcome) {
  return outcome ? std::string() : outcome.error().message();
}

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST_CASE("what came last goes first") {
  Host host;
  REQUIRE(host.load_one("fix1").has_value());
  REQUIRE(host.load_one("fix2").has_value());
  const Result<Outcome> middle = unload(host.session(), "fix1");
  REQUIRE_FALSE(middle.has_value());
  CHECK(middle.error().code() == Errc::kRejected);
  CHECK(holds(message(middle), "fix1 is not the last patch that came: fix2"));
  CHECK(state_of(host.kernel, "fix1") == PatchState::kApplied);
  CHECK(host.kernel.writes.empty());
  CHECK(message(unload(host.session(), "fix2")).empty());
  CHECK(message(unload(host.session(), "fix1")).empty());
}

TEST_CASE("a patch of which nobody knows when it came holds back one of the same function") {
  Host host;
  REQUIRE(host.load_one("fix1").has_value());
  host.appear("strange", "else", false);
  CHECK(holds(message(unload(host.session(), "fix1")), "strange"));
  host.kernel.drop("/sys/kernel/livepatch/strange/vmlinux/pipe_read,1");
  host.kernel.files["/sys/kernel/livepatch/strange/vmlinux/other,1/.keep"] = "";
  CHECK(message(unload(host.session(), "fix1")).empty());
}

TEST_CASE("two vendors on one function are refused by name") {
  Host host;
  REQUIRE(host.load_one("ours", {{"vendor", "one"}}).has_value());
  const Result<Outcome> second = host.load_one("theirs", {{"vendor", "two"}});
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error().code() == Errc::kRejected);
  CHECK(holds(message(second), "vmlinux pipe_read,1 would be patched by both theirs of vendor two and ours of vendor one"));
  CHECK(state_of(host.kernel, "theirs") == PatchState::kAbsent);
  CHECK(message(host.load_one("elsewhere", {{"vendor", "two"}}, "vmlinux pipe_write,1")).empty());
}

TEST_CASE("serial, requirement and conflict hold in both orders") {
  Host host;
  CHECK(holds(message(host.load_one("late", {{"requires", "base>=2"}})), "requires base>=2"));
  REQUIRE(host.load_one("base2", {{"id", "base"}, {"serial", "2"}}).has_value());
  CHECK(holds(message(host.load_one("base1", {{"id", "base"}, {"serial", "1"}})), "older than base2"));
  CHECK(holds(message(host.load_one("enemy", {{"id", "enemy"}, {"conflicts", "base"}})), "conflicts with base"));
  REQUIRE(host.load_one("late", {{"id", "late"}, {"requires", "base>=2"}, {"conflicts", "enemy"}}).has_value());
  CHECK(holds(message(host.load_one("enemy", {{"id", "enemy"}})), "late, which is in effect, conflicts with enemy"));
  CHECK(holds(message(unload(host.session(), "base2")), "base2 is required by late"));
}

TEST_CASE("a replacement that would drop a state is refused before the kernel is asked") {
  Host host;
  REQUIRE(host.load_one("old", {{"state", "7 1"}}).has_value());
  CHECK(holds(message(host.load_one("new", {{"replaces", "all"}})), "does not know its state 7"));
  CHECK(state_of(host.kernel, "new") == PatchState::kAbsent);
  CHECK(message(host.load_one("new", {{"replaces", "all"}, {"state", "7 2"}})).empty());
}

TEST_CASE("what must stay goes out of effect, and its module stays") {
  Host host;
  REQUIRE(host.load_one("pinned", {{"unload", "never"}}).has_value());
  CHECK(message(unload(host.session(), "pinned")).empty());
  CHECK(state_of(host.kernel, "pinned") == PatchState::kRetired);
  CHECK(host.kernel.removed.empty());
  CHECK(
      std::ranges::any_of(host.session().warnings(), [](const std::string& text) { return holds(text, "stays loaded until"); }));
  CHECK(holds(message(unload(host.session(), "pinned")), "must never be unloaded"));
  CHECK(holds(message(host.load_one("pinned", {{"unload", "never"}})), "must stay loaded until the next boot"));
}

TEST_CASE("what must stay is not removed when it is replaced") {
  Host host;
  REQUIRE(host.load_one("pinned", {{"unload", "never"}}).has_value());
  host.kernel.on_insert = [&] {
    host.appear("later", Host::id_of("later"), false);
    host.kernel.drop("/sys/kernel/livepatch/pinned");
    return 0;
  };
  const Result<Outcome> later = host.load_one("later", {{"replaces", "all"}});
  CHECK_MESSAGE(later.has_value(), message(later));
  CHECK(host.kernel.removed.empty());
  CHECK(std::ranges::any_of(host.session().warnings(),
                            [](const std::string& text) { return holds(text, "pinned is out of effect"); }));
  CHECK(holds(message(unload(host.session(), "pinned")), "must never be unloaded"));
}

TEST_CASE("probes and tracers of the patched functions are named") {
  Host host;
  host.kernel.files[kKprobes] =
      "ffffffff81000000  k  pipe_read+0x10    [DISABLED]\nffffffff81000000  r  pipe_read+0x0    [FTRACE]\n"
      "ffffffff81000000  k  pipe_write+0x10\n";
  host.kernel.files[kTracers] = "pipe_read (1)           D \tdirect-->bpf_trampoline_1+0x0/0x1000\npipe_write (2) R I\n";
  ProbeReport report = find_probes(host.kernel, {"vmlinux pipe_read,1"}, {});
  CHECK(report.refusals.empty());
  REQUIRE(report.warnings.size() == 3);
  CHECK(holds(report.warnings[0], "a kprobe at pipe_read+0x10 stays in the old function"));
  CHECK(holds(report.warnings[1], "a kretprobe is at the entry of pipe_read"));
  CHECK(holds(report.warnings[2], "BPF"));
  report = find_probes(host.kernel, {"vmlinux pipe_write,1"}, {});
  CHECK(report.refusals.size() == 1);
  CHECK(find_probes(host.kernel, {"vmlinux pipe_write,1"}, {"vmlinux pipe_write,1"}).refusals.empty());
  CHECK(find_probes(host.kernel, {"vmlinux pipe_open,1"}, {}).warnings.empty());
  const Result<Outcome> refused = host.load_one("fix", {}, "vmlinux pipe_write,1");
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code() == Errc::kBusy);
  CHECK(host.kernel.removed.empty());
  host.kernel.files.erase(kTracers);
  report = find_probes(host.kernel, {"vmlinux pipe_open,1"}, {});
  REQUIRE(report.warnings.size() == 1);
  CHECK(holds(report.warnings[0], "tracefs cannot be read"));
}

}  // namespace
}  // namespace hotpatch::kernel::host

// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include <doctest/doctest.h>

#include "common/support/file.h"
#include "linux/host/operations.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_kernel.h"

namespace hotpatch::kernel::host {

/// A note section with a GNU build ID of four bytes.
inline std::string note(const std::string& id) {
  using namespace std::string_literals;
  return "\4\0\0\0\4\0\0\0\3\0\0\0GNU\0"s + id;
}

/// A healthy kernel, a module for it, and everything that a session needs.
struct Desk {
  Desk() {
    kernel.files["/sys/kernel/notes"] = note("kern");
    kernel.files["/sys/kernel/livepatch/.keep"] = "";
    kernel.files["/proc/sys/kernel/ftrace_enabled"] = "1\n";
    kernel.files["/proc/sys/kernel/modules_disabled"] = "0\n";
    kernel.files["/proc/cmdline"] = "quiet\n";
    kernel.files["/sys/module/module/parameters/sig_enforce"] = "N\n";
    kernel.on_insert = [this] {
      appear("fix", "pach", false);
      return 0;
    };
    kernel.on_write = [this](const std::string& path, const std::string& text) {
      if (path == "/sys/kernel/livepatch/fix/enabled" && text == "0") kernel.drop("/sys/kernel/livepatch/fix");
      return 0;
    };
    module.info.entries = {{"livepatch", "Y"}, {"name", "fix"}};
    module.info.build_id = BuildId(as_byte_view("pach"));
    module.kernel_build_id = BuildId(as_byte_view("kern"));
    module.file.sha256 = std::string(64, 'a');
    config.state_dir = place.path() / "state";
    config.boot = "boot-1";
    config.command = "load";
  }

  /// The module of a live patch, and the patch, in effect or on its way.
  void appear(const std::string& name, const std::string& id, bool in_transition) {
    kernel.files["/sys/module/" + name + "/notes/.note.gnu.build-id"] = note(id);
    kernel.files["/sys/module/" + name + "/taint"] = "OEK\n";
    const std::string directory = "/sys/kernel/livepatch/" + name;
    kernel.files[directory + "/enabled"] = "1\n";
    kernel.files[directory + "/transition"] = in_transition ? "1\n" : "0\n";
    kernel.files[directory + "/vmlinux/patched"] = "1\n";
    kernel.files[directory + "/vmlinux/pipe_read,1/.keep"] = "";
  }

  void task(int id, const std::string& state, char letter, const std::string& stack, const std::string& flags = "4194304") {
    const std::string path = "/proc/" + std::to_string(id) + "/task/" + std::to_string(id) + "/";
    kernel.files[path + "patch_state"] = state + "\n";
    kernel.files[path + "stat"] = std::to_string(id) + " (ca) t) " + letter + " 1 1 1 0 -1 " + flags + " 0";
    kernel.files[path + "stack"] = stack;
  }

  Session& session() {
    if (!open) {
      auto made = Session::open(kernel, clock, config, "fix");
      REQUIRE_MESSAGE(made.has_value(), (made ? "" : made.error().message()));
      open = *std::move(made);
    }
    return *open;
  }

  std::vector<JournalRecord> records() {
    const auto journal = read_journal(config.state_dir);
    REQUIRE(journal);
    CHECK(journal->misfits.empty());
    return journal->records;
  }

  TempDir place = *TempDir::make("hotpatch-linux-host");
  testing::FakeKernel kernel;
  testing::FakeClock clock;
  HostConfig config;
  CheckedModule module;
  std::unique_ptr<Session> open;
};

}  // namespace hotpatch::kernel::host

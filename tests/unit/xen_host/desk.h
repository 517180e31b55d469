// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <memory>
#include <string>

#include "common/support/file.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_hypervisor.h"
#include "tests/fakes/sample_payload.h"
#include "xen/host/operations.h"

namespace hotpatch::xen::host {

/// A host with a fake Xen, a state directory, and one session at a time, as runs of the program are.
struct Desk {
  testing::FakeHypervisor xen{testing::sample_id(0xee)};
  testing::FakeClock clock;
  TempDir temp = *TempDir::make("hotpatch-desk");
  HostConfig config = {.state_dir = temp.path() / "state",
                       .boot = "boot",
                       .command = "test",
                       .user = "alice",
                       .reason = {},
                       .policy = {},
                       .lock_patience = {}};

  [[nodiscard]] std::unique_ptr<Session> session() {
    auto opened = Session::open(xen, clock, config, "x");
    REQUIRE_MESSAGE(opened, (opened ? "" : opened.error().message()));
    return *std::move(opened);
  }
  [[nodiscard]] JournalContents journal() const { return *read_journal(config.state_dir); }
};

/// The first line of an action, as a process that was killed leaves it.
inline JournalRecord cut_off(std::uint64_t id, const char* action, const std::string& name) {
  JournalRecord record;
  record.time = "then";
  record.pid = 4711;
  record.boot = "boot";
  record.id = id;
  record.command = record.action = action;
  record.name = name;
  return record;
}

inline CheckedPayload checked(const testing::SamplePayload& payload) { return *check_payload(payload.file(), payload.name); }

inline const testing::SamplePayload kFirst = {.name = "first", .id = 1};
inline const testing::SamplePayload kOnTop = {.name = "on-top", .id = 2, .depends = 1, .old_addr = 0xffff82d040300000};
inline const testing::SamplePayload kOther = {.name = "other", .id = 3, .old_addr = 0xffff82d040400000};

}  // namespace hotpatch::xen::host

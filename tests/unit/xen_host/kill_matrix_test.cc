// SPDX-License-Identifier: GPL-2.0-or-later
//
// The tool is killed at every step of every operation: before and after each call to the hypervisor, and within each line of the journal
// that was written since the call before. Whatever it leaves, the next run must find: the journal's memory agrees with the hypervisor,
// the same command brings the operation to its end, and what was begun can be taken back.
#include <algorithm>
#include <functional>
#include <optional>

#include <doctest/doctest.h>

#include "common/support/file.h"
#include "tests/unit/xen_host/desk.h"
#include "xen/host/survey.h"

namespace hotpatch::xen::host {
namespace {

using Run = std::function<Result<Outcome>(Desk&)>;

struct Killed {};

enum class Moment : std::uint8_t { kBeforeCall, kAfterCall, kWithinLine };

struct Cell {
  unsigned call = 0;  // counted from 1
  Moment moment = Moment::kBeforeCall;
};

std::uint64_t journal_size(const Desk& desk) {
  std::error_code failure;
  const auto size = std::filesystem::file_size(desk.config.state_dir / "journal.jsonl", failure);
  return failure ? 0 : size;
}

/// Runs the operation and kills it there. False if it never came to that point.
bool run_and_kill(Desk& desk, const Run& operation, const Cell& cell) {
  unsigned calls = 0;
  std::uint64_t seen = journal_size(desk);
  std::optional<std::uint64_t> torn_at;
  desk.xen.before_call = [&](const std::string&) {
    ++calls;
    const std::uint64_t size = journal_size(desk);
    if (calls == cell.call && cell.moment == Moment::kBeforeCall) throw Killed();
    if (calls == cell.call && cell.moment == Moment::kWithinLine && size != seen) {
      torn_at = seen + (size - seen) / 2;
      throw Killed();
    }
    seen = size;
  };
  desk.xen.after_call = [&](const std::string&) {
    if (calls == cell.call && cell.moment == Moment::kAfterCall) throw Killed();
  };
  bool killed = false;
  try {
    (void)operation(desk);
  } catch (const Killed&) {
    killed = true;
  }
  desk.xen.before_call = nullptr;
  desk.xen.after_call = nullptr;
  if (torn_at) std::filesystem::resize_file(desk.config.state_dir / "journal.jsonl", *torn_at);
  return killed;
}

/// The journal's memory is what the hypervisor has, in order and state.
void check_agreement(Desk& desk) {
  const auto session = desk.session();
  CHECK(session->memory().interrupted.empty());
  CHECK(session->memory().stack == desk.xen.stack());
  const auto view = survey(*session);
  REQUIRE(view);
  for (const PayloadView& payload : view->payloads) {
    CAPTURE(payload.name);
    REQUIRE(payload.remembered);
    const bool is_applied = payload.status.state == hypercall::State::kApplied;
    CHECK(is_applied != payload.remembered->applied_at.empty());
  }
  for (const Remembered& known : session->memory().payloads) {
    CAPTURE(known.name);
    CHECK(std::ranges::any_of(view->payloads, [&](const PayloadView& payload) { return payload.name == known.name; }));
  }
}

struct Kind {
  std::string name;
  Run prepare;
  Run operation;
  Run undo;
};

/// As an operator does it by hand: what is not there need not be taken out.
Result<Outcome> out_with(Desk& desk, const std::string& name) {
  const Result<Outcome> reverted = revert(*desk.session(), name);
  if (!reverted && reverted.error().code() != Errc::kNotFound) return reverted;
  return unload(*desk.session(), name);
}

const Run kNothing = [](Desk&) -> Result<Outcome> { return Outcome(); };
const Run kLoadFirst = [](Desk& desk) { return load(*desk.session(), "first", checked(kFirst)); };
const Run kUploadFirst = [](Desk& desk) { return upload(*desk.session(), "first", checked(kFirst)); };
const Run kLoadTwo = [](Desk& desk) -> Result<Outcome> {
  HP_TRY(load(*desk.session(), "first", checked(kFirst)));
  return load(*desk.session(), "on-top", checked(kOnTop));
};
const Run kLoadTwoUploadOther = [](Desk& desk) -> Result<Outcome> {
  HP_TRY(kLoadTwo(desk));
  return upload(*desk.session(), "other", checked(kOther));
};
/// The way back from a replacement: the new one out, the old ones in, in their order.
const Run kBackToTwo = [](Desk& desk) -> Result<Outcome> {
  const Result<Outcome> reverted = revert(*desk.session(), "other");
  if (!reverted && reverted.error().code() != Errc::kNotFound) return reverted;
  return kLoadTwo(desk);
};

/// Where fsync costs nothing, if there is such a place: a cell has dozens.
struct MemoryDesk : Desk {
  TempDir memory = *TempDir::make("hotpatch-desk", std::filesystem::exists("/dev/shm") ? "/dev/shm" : "");
  MemoryDesk() { config.state_dir = memory.path() / "state"; }
};

std::vector<Kind> kinds() {
  return {
      {"upload", kNothing, kUploadFirst, [](Desk& desk) { return unload(*desk.session(), "first"); }},
      {"load", kNothing, kLoadFirst, [](Desk& desk) { return out_with(desk, "first"); }},
      {"apply", kUploadFirst, [](Desk& desk) { return apply(*desk.session(), "first"); },
       [](Desk& desk) { return revert(*desk.session(), "first"); }},
      {"revert", kLoadFirst, [](Desk& desk) { return revert(*desk.session(), "first"); },
       [](Desk& desk) { return apply(*desk.session(), "first"); }},
      {"revert --above", kLoadTwo, [](Desk& desk) { return revert(*desk.session(), "first", {.above = true, .others = false}); },
       kLoadTwo},
      {"unload", kUploadFirst, [](Desk& desk) { return unload(*desk.session(), "first"); }, kUploadFirst},
      {"replace", kLoadTwoUploadOther, [](Desk& desk) { return replace(*desk.session(), "other"); }, kBackToTwo},
      {"upgrade", kLoadTwo, [](Desk& desk) { return upgrade(*desk.session(), "other", checked(kOther)); },
       [](Desk& desk) -> Result<Outcome> {
         HP_TRY(kBackToTwo(desk));
         return unload(*desk.session(), "other");
       }},
  };
}

TEST_CASE("kill matrix: at every step of every operation") {
  for (const Kind& kind : kinds()) {
    CAPTURE(kind.name);
    std::string before;
    std::string after;
    unsigned calls = 0;
    {
      MemoryDesk desk;
      REQUIRE(kind.prepare(desk));
      before = desk.xen.stable_snapshot();
      desk.xen.before_call = [&calls](const std::string&) { ++calls; };
      REQUIRE(kind.operation(desk));
      after = desk.xen.stable_snapshot();
    }
    unsigned cells = 0;
    for (const Moment moment : {Moment::kBeforeCall, Moment::kAfterCall, Moment::kWithinLine}) {
      CAPTURE(static_cast<int>(moment));
      unsigned killed = 0;
      // Within a line: only where one was written since the call before, so that calls without are passed over.
      for (unsigned call = 1; call <= calls; ++call) {
        CAPTURE(call);
        for (const bool finish : {true, false}) {
          MemoryDesk desk;
          REQUIRE(kind.prepare(desk));
          if (!run_and_kill(desk, kind.operation, {.call = call, .moment = moment})) continue;
          ++killed;
          check_agreement(desk);
          const Result<Outcome> ended = finish ? kind.operation(desk) : kind.undo(desk);
          CHECK_MESSAGE(ended, (ended ? "" : ended.error().message()));
          CHECK(desk.xen.stable_snapshot() == (finish ? after : before));
          CHECK(desk.journal().misfits.empty());
          check_agreement(desk);
        }
      }
      CHECK(killed >= 2);
      cells += killed;
    }
    MESSAGE(kind.name << ": " << cells << " cells");
  }
}

}  // namespace
}  // namespace hotpatch::xen::host

// SPDX-License-Identifier: GPL-2.0-or-later
#include "xen/host/restore.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include <nlohmann/json.hpp>

#include "common/host/journal_file.h"
#include "common/support/file.h"
#include "xen/host/plan.h"
#include "xen/host/store.h"

namespace hotpatch::xen::host {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr std::uint64_t kMaxListSize = std::uint64_t{4} << 20;
constexpr const char* kRemoveMarker = "see which payload it names, then remove it";

fs::path list_path(const fs::path& state_dir) { return state_dir / "accepted.json"; }
fs::path marker_path(const fs::path& state_dir) { return state_dir / "attempt.json"; }
/// Copies here outlive an unload.
fs::path copies(const fs::path& state_dir) { return state_dir / "accepted"; }

using Field = std::pair<const char*, std::string Accepted::*>;
constexpr std::array<Field, 8> kFields = {{{"name", &Accepted::name},
                                           {"build_id", &Accepted::build_id},
                                           {"depends", &Accepted::depends},
                                           {"xen_build_id", &Accepted::xen_build_id},
                                           {"digest", &Accepted::digest},
                                           {"time", &Accepted::time},
                                           {"user", &Accepted::user},
                                           {"set_aside", &Accepted::set_aside}}};

Result<> write_accepted(const fs::path& state_dir, const std::vector<Accepted>& list) {
  Json document;
  document["schema"] = "xen-hotpatch-accepted/1";
  document["payloads"] = Json::array();
  for (const Accepted& one : list) {
    Json entry;
    for (const auto& [key, member] : kFields) entry[key] = one.*member;
    document["payloads"].push_back(std::move(entry));
  }
  const std::string text = document.dump(2, ' ', true, Json::error_handler_t::replace) + "\n";
  HP_TRY(write_file(list_path(state_dir), std::string_view(text), 0600));
  return sync_directory(state_dir);
}

Accepted* find(std::vector<Accepted>& list, const std::string& name) {
  const auto found = std::ranges::find(list, name, &Accepted::name);
  return found == list.end() ? nullptr : &*found;
}

Outcome plain_outcome(Session& session, const std::string& name, bool already) {
  Outcome outcome;
  outcome.name = name;
  outcome.already = already;
  outcome.state = state_now(session.channel(), session.clock(), name);
  return outcome;
}

/// For the journal: neither changes the hypervisor.
Result<> note(Session& session, const char* action, const std::string& name, const std::function<Result<>()>& step) {
  JournalRecord record;
  record.action = action;
  record.name = name;
  StepOutcome done = session.perform(std::move(record), [&]() -> StepOutcome {
    if (Result<> written = step(); !written) return tl::unexpected(ActionError(Failure::kRefused, std::move(written).error()));
    return ActionReport();
  });
  if (!done) return tl::unexpected(std::move(done).error().error());
  return {};
}

Result<Accepted> acceptable(Session& session, const HostView& view, const std::string& name, std::vector<Accepted>& list) {
  const auto payload = std::ranges::find(view.payloads, name, &PayloadView::name);
  if (payload == view.payloads.end()) return fail(Errc::kNotFound, "there is no payload " + name + " in the hypervisor");
  if (payload->status.state != hypercall::State::kApplied) {
    return tl::unexpected(Error(Errc::kRefused, "payload " + name + " is not applied: only what has proven itself is accepted")
                              .with_remedy("xen-hotpatch apply " + name));
  }
  if (!is_ours(*payload)) {
    return tl::unexpected(
        Error(Errc::kRefused, "this program did not upload " + name + " since the host booted, so it has no copy of it")
            .with_remedy("take it out, and load its file with xen-hotpatch"));
  }
  const Remembered& known = *payload->remembered;
  const bool on_accepted = known.depends == view.build_id.text() || std::ranges::any_of(list, [&](const Accepted& one) {
                             return one.build_id == known.depends && one.set_aside.empty();
                           });
  if (!on_accepted) {
    const std::string base = base_of(view, *payload);
    return tl::unexpected(Error(Errc::kRefused, name + " goes on top of " + base + ", which is not accepted")
                              .with_remedy("xen-hotpatch accept " + base + " first"));
  }
  return Accepted{.name = name,
                  .build_id = known.build_id,
                  .depends = known.depends,
                  .xen_build_id = view.build_id.text(),
                  .digest = known.digest,
                  .time = session.clock().utc(),
                  .user = session.config().user,
                  .set_aside = {}};
}

/// The payload that a former boot did not survive; nothing if there is no marker, or one of this boot.
Result<std::optional<std::string>> fatal_attempt(const Session& session) {
  const fs::path path = marker_path(session.config().state_dir);
  std::error_code failure;
  if (!fs::exists(path, failure)) return std::optional<std::string>();
  HP_ASSIGN(const std::string text, read_text_file(path, kMaxListSize));
  const Json marker = Json::parse(text, nullptr, false);
  const bool good = marker.is_object() && marker.contains("boot") && marker["boot"].is_string() && marker.contains("build_id") &&
                    marker["build_id"].is_string();
  if (!good) return tl::unexpected(Error(Errc::kMalformed, path.string() + " is damaged").with_remedy(kRemoveMarker));
  if (marker["boot"] == session.config().boot) return std::optional<std::string>();
  return std::optional(marker["build_id"].get<std::string>());
}

Result<> put_marker(const Session& session, const Accepted& payload) {
  Json marker;
  marker["boot"] = session.config().boot;
  marker["build_id"] = payload.build_id;
  marker["name"] = payload.name;
  HP_TRY(write_file(marker_path(session.config().state_dir), std::string_view(marker.dump() + "\n"), 0600));
  return sync_directory(session.config().state_dir);
}

/// Those that went down with `build_id`: it, and what goes on top of it.
void set_aside(std::vector<Accepted>& list, const std::string& build_id, const std::string& time) {
  std::vector<std::string> ids = {build_id};
  for (Accepted& one : list) {
    const bool itself = one.build_id == build_id;
    if (!itself && std::ranges::find(ids, one.depends) == ids.end()) continue;
    one.set_aside =
        itself ? "the host went down while it was loaded (noticed at " + time + ")" : "goes on top of one that is set aside";
    ids.push_back(one.build_id);
  }
}

Restored load_one(Session& session, const Accepted& payload, Milliseconds watch) {
  Restored restored{.name = payload.name, .restoration = Restoration::kFailed, .detail = {}};
  const auto failed = [&](const Error& error) {
    restored.detail = error.message();
    return restored;
  };
  const Result<CheckedPayload> copy = kept_payload(copies(session.config().state_dir), payload.build_id, payload.digest);
  if (!copy) return failed(copy.error());
  if (const Result<> marked = put_marker(session, payload); !marked) return failed(marked.error());
  const Result<Outcome> outcome = load(session, payload.name, *copy);
  if (outcome && !outcome->already) session.clock().sleep(watch);
  std::error_code failure;
  fs::remove(marker_path(session.config().state_dir), failure);
  if (!outcome) return failed(outcome.error());
  restored.restoration = outcome->already ? Restoration::kAlready : Restoration::kApplied;
  return restored;
}

}  // namespace

Result<std::vector<Accepted>> read_accepted(const fs::path& state_dir) {
  std::vector<Accepted> list;
  const fs::path path = list_path(state_dir);
  std::error_code failure;
  if (!fs::exists(path, failure)) return list;
  HP_ASSIGN(const std::string text, read_text_file(path, kMaxListSize));
  const Json document = Json::parse(text, nullptr, false);
  const auto damaged = [&] { return fail(Errc::kMalformed, path.string() + " is damaged"); };
  if (!document.is_object() || !document.contains("payloads") || !document["payloads"].is_array()) return damaged();
  for (const Json& entry : document["payloads"]) {
    Accepted one;
    for (const auto& [key, member] : kFields) {
      if (!entry.is_object() || !entry.contains(key) || !entry[key].is_string()) return damaged();
      one.*member = entry[key].get<std::string>();
    }
    list.push_back(std::move(one));
  }
  return list;
}

Result<Outcome> accept(Session& session, const std::string& name) {
  HP_TRY(hypercall::check_name(name));
  const fs::path& state_dir = session.config().state_dir;
  HP_ASSIGN(const HostView view, survey(session));
  HP_ASSIGN(std::vector<Accepted> list, read_accepted(state_dir));
  HP_ASSIGN(Accepted wanted, acceptable(session, view, name, list));
  const Accepted* known = find(list, name);
  if (known != nullptr && known->build_id == wanted.build_id && known->set_aside.empty())
    return plain_outcome(session, name, true);
  const auto write_down = [&]() -> Result<> {
    HP_ASSIGN(const CheckedPayload copy, kept_payload(state_dir, wanted.build_id, wanted.digest));
    HP_TRY(make_state_dir(copies(state_dir)));
    HP_TRY(keep_payload(copies(state_dir), copy));
    std::erase_if(list, [&](const Accepted& one) { return one.name == name || one.build_id == wanted.build_id; });
    list.push_back(std::move(wanted));
    return write_accepted(state_dir, list);
  };
  HP_TRY(note(session, "accept", name, write_down));
  return plain_outcome(session, name, false);
}

Result<Outcome> forget(Session& session, const std::string& name) {
  HP_TRY(hypercall::check_name(name));
  const fs::path& state_dir = session.config().state_dir;
  HP_ASSIGN(std::vector<Accepted> list, read_accepted(state_dir));
  const Accepted* found = find(list, name);
  if (found == nullptr) return plain_outcome(session, name, true);
  const Accepted gone = *found;
  for (const Accepted& other : list) {
    if (other.depends == gone.build_id) {
      return tl::unexpected(Error(Errc::kRefused, other.name + " is accepted, and goes on top of " + name)
                                .with_remedy("xen-hotpatch forget " + other.name + " first"));
    }
  }
  const auto write_down = [&]() -> Result<> {
    std::erase_if(list, [&](const Accepted& one) { return one.name == name; });
    HP_TRY(write_accepted(state_dir, list));
    drop_payload(copies(state_dir), gone.build_id);
    return {};
  };
  HP_TRY(note(session, "forget", name, write_down));
  return plain_outcome(session, name, false);
}

std::optional<std::string> switched_off(const Switches& switches) {
  std::error_code failure;
  if (fs::exists(switches.disable_file, failure)) return switches.disable_file.string() + " is there";
  const Result<std::string> line = read_text_file(switches.command_line, kMaxListSize);
  if (!line) return std::nullopt;
  std::size_t start = 0;
  while (start < line->size()) {
    const std::size_t end = std::min(line->find_first_of(" \n", start), line->size());
    if (line->substr(start, end - start) == "xen_hotpatch=off") return "the kernel was started with xen_hotpatch=off";
    start = end + 1;
  }
  return std::nullopt;
}

const char* restoration_name(Restoration restoration) noexcept {
  switch (restoration) {
    case Restoration::kApplied: return "applied";
    case Restoration::kAlready: return "already applied";
    case Restoration::kOtherHypervisor: return "not for this hypervisor";
    case Restoration::kSetAside: return "set aside";
    case Restoration::kFailed: return "failed";
  }
  HP_UNREACHABLE();
}

Result<std::vector<Restored>> restore(Session& session, Milliseconds watch) {
  const fs::path& state_dir = session.config().state_dir;
  HP_ASSIGN(std::vector<Accepted> list, read_accepted(state_dir));
  HP_ASSIGN(const std::optional<std::string> fatal, fatal_attempt(session));
  if (fatal) {
    set_aside(list, *fatal, session.clock().utc());
    HP_TRY(write_accepted(state_dir, list));
    std::error_code failure;
    fs::remove(marker_path(state_dir), failure);
  }
  HP_ASSIGN(const BuildId hypervisor, session.channel().build_id());
  std::vector<Restored> all;
  for (const Accepted& payload : list) {
    if (payload.xen_build_id != hypervisor.text()) {
      all.push_back({.name = payload.name,
                     .restoration = Restoration::kOtherHypervisor,
                     .detail = "it was accepted for " + payload.xen_build_id});
    } else if (!payload.set_aside.empty()) {
      all.push_back({.name = payload.name, .restoration = Restoration::kSetAside, .detail = payload.set_aside});
    } else {
      all.push_back(load_one(session, payload, watch));
    }
  }
  return all;
}

}  // namespace hotpatch::xen::host

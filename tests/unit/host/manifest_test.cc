// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/support/manifest.h"

#include <doctest/doctest.h>

namespace hotpatch {
namespace {

Manifest manifest(const KeyValues& entries, const std::vector<std::string>& functions = {}) {
  auto made = read_manifest(entries, "");
  REQUIRE(made.has_value());
  for (const std::string& function : functions) made->functions.push_back({function, function});
  return *made;
}

std::string refusal(const Manifest& incoming, const std::vector<InstalledPatch>& installed) {
  const Result<> allowed = check_arrival("new", incoming, installed);
  if (allowed) return {};
  CHECK(allowed.error().code() == Errc::kRejected);
  return allowed.error().message();
}

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST_CASE("what is written is read again, behind a prefix too") {
  const KeyValues entries = {
      {"vendor", "example"}, {"id", "fixes"},      {"serial", "3"},     {"requires", "base>=2 other"},
      {"conflicts", "a b"},  {"state", "0x700 1"}, {"unload", "never"}, {"needs", "leave patched-set, switch thread"}};
  const Manifest read = manifest(entries);
  CHECK(manifest_entries(read).value() == entries);
  KeyValues prefixed;
  for (const auto& [key, value] : entries) prefixed.emplace_back("hotpatch_" + key, value);
  prefixed.emplace_back("id", "not this one");
  CHECK(manifest_entries(read_manifest(prefixed, "hotpatch_").value()).value() == entries);
  CHECK(manifest_entries(Manifest()).value().empty());
  CHECK(read.stays_loaded);
  CHECK(read.replaces_all);
  CHECK_FALSE(manifest({{"replaces", "none"}}).replaces_all);
}

TEST_CASE("what cannot be read or written is an error") {
  for (const KeyValues& entries : {KeyValues{{"serial", "x"}}, KeyValues{{"serial", ""}}, KeyValues{{"serial", "-1"}},
                                   KeyValues{{"requires", "a>=b"}}, KeyValues{{"needs", "leave patched-set"}},
                                   KeyValues{{"requires", ">=1"}}, KeyValues{{"state", "1"}}, KeyValues{{"state", "1 2 3"}}})
    CHECK_FALSE(read_manifest(entries, "").has_value());
  Manifest wrong;
  wrong.vendor = "two words";
  CHECK_FALSE(manifest_entries(wrong).has_value());
  CHECK_FALSE(parse_requirement("a>=").has_value());
  CHECK_FALSE(parse_requirement("").has_value());
}

TEST_CASE("a host takes what it can carry out, and no worse class than was asked for") {
  constexpr Consistency kByThread = {.leave = Leave::kChangedSet, .at_once = Switch::kThread};
  const auto refusal_of = [](const KeyValues& entries, const Admission& admission) {
    const Result<> taken = check_admission("new", manifest(entries), admission);
    if (!taken) CHECK(taken.error().code() == Errc::kRejected);
    return taken ? std::string() : taken.error().message();
  };
  const KeyValues graded = {{"needs", "leave patched-set, switch thread"}, {"class", "A"}};
  CHECK(refusal_of(graded, {.provided = kByThread, .worst = "A"}).empty());
  CHECK(refusal_of({}, {.provided = kByThread, .worst = "B"}).empty());
  CHECK(holds(refusal_of({}, {.provided = kByThread, .worst = "A"}), "does not say its class"));
  CHECK(holds(refusal_of({{"class", "B"}}, {.provided = kByThread, .worst = "A"}), "is of class B"));
  CHECK(refusal_of({{"class", "B"}}, {.provided = kByThread, .worst = "B"}).empty());
  const KeyValues at_once = {{"needs", "leave patched-set, switch kernel"}, {"class", "A"}};
  CHECK(holds(refusal_of(at_once, {.provided = kByThread, .worst = "B"}), "leave patched-set, switch thread is provided"));
  CHECK(refusal_of(at_once, {.provided = {.leave = Leave::kKernel, .at_once = Switch::kKernel}, .worst = "B"}).empty());
}

TEST_CASE("a series does not go back") {
  const std::vector<InstalledPatch> there = {{"fixes-3", manifest({{"vendor", "v"}, {"id", "fixes"}, {"serial", "3"}}), true}};
  CHECK(holds(refusal(manifest({{"vendor", "v"}, {"id", "fixes"}, {"serial", "2"}}), there), "older than fixes-3"));
  CHECK(refusal(manifest({{"vendor", "v"}, {"id", "fixes"}, {"serial", "3"}}), there).empty());
  CHECK(refusal(manifest({{"vendor", "v"}, {"id", "fixes"}, {"serial", "4"}}), there).empty());
  CHECK(refusal(manifest({{"vendor", "v"}, {"id", "other"}, {"serial", "1"}}), there).empty());
}

TEST_CASE("what is required must be there, with that serial") {
  const Manifest wants = manifest({{"requires", "base>=2"}});
  CHECK(holds(refusal(wants, {}), "requires base>=2"));
  CHECK_FALSE(refusal(wants, {{"base-1", manifest({{"id", "base"}, {"serial", "1"}}), false}}).empty());
  CHECK(refusal(wants, {{"base-2", manifest({{"id", "base"}, {"serial", "2"}}), false}}).empty());
  const std::vector<InstalledPatch> users = {{"user", wants, false}};
  CHECK_FALSE(check_departure("base-2", manifest({{"id", "base"}, {"serial", "2"}}), users).has_value());
  CHECK(check_departure("another", manifest({{"id", "another"}}), users).has_value());
  CHECK(check_departure("anonymous", Manifest(), users).has_value());
}

TEST_CASE("a conflict is refused in both orders, unless the other goes") {
  const Manifest one = manifest({{"id", "one"}, {"conflicts", "zero two"}});
  const Manifest two = manifest({{"id", "two"}});
  CHECK(holds(refusal(one, {{"second", two, false}}), "conflicts with two"));
  CHECK(holds(refusal(two, {{"first", one, false}}), "first, which is in effect, conflicts with two"));
  CHECK(refusal(one, {{"second", two, true}}).empty());
  CHECK(refusal(two, {{"first", one, true}}).empty());
  CHECK(refusal(Manifest(), {{"first", one, false}}).empty());
}

TEST_CASE("two vendors do not patch one function, and do not take each other out") {
  const Manifest ours = manifest({{"vendor", "ours"}}, {"vmlinux f,1", "vmlinux g,1"});
  const InstalledPatch same{"theirs-1", manifest({{"vendor", "theirs"}}, {"vmlinux g,1"}), false};
  const std::string reason = refusal(ours, {same});
  CHECK(holds(reason, "vmlinux g,1 would be patched by both new of vendor ours and theirs-1 of vendor theirs"));
  const InstalledPatch other{"theirs-2", manifest({{"vendor", "theirs"}}, {"vmlinux h,1"}), false};
  CHECK(refusal(ours, {other}).empty());
  CHECK(holds(refusal(ours, {{other.name, other.manifest, true}}), "would take out theirs-2"));
  CHECK(refusal(ours, {{"ours-1", manifest({{"vendor", "ours"}}, {"vmlinux g,1"}), true}}).empty());
  CHECK_FALSE(refusal(ours, {{"nobody's", manifest({}, {"vmlinux g,1"}), false}}).empty());
}

TEST_CASE("a replacement must know the states of what it replaces") {
  const InstalledPatch old{"old", manifest({{"state", "7 2"}}), true};
  CHECK(holds(refusal(Manifest(), {old}), "state 7 of version 2"));
  CHECK_FALSE(refusal(manifest({{"state", "7 1"}}), {old}).empty());
  CHECK(refusal(manifest({{"state", "7 2"}}), {old}).empty());
  CHECK(refusal(manifest({{"state", "7 3"}}), {old}).empty());
  CHECK(refusal(Manifest(), {{old.name, old.manifest, false}}).empty());
}

}  // namespace
}  // namespace hotpatch

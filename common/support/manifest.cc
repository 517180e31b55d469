// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/support/manifest.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "common/support/text.h"

namespace hotpatch {
namespace {

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    if (end != at) words.emplace_back(text.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

std::optional<std::uint64_t> number_of(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return !text.empty() && error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

bool is_name(std::string_view text) {
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  return !text.empty() && text.find_first_not_of(kAllowed) == std::string_view::npos;
}

std::string text_of(const Manifest::Requirement& wanted) {
  return wanted.id + (wanted.at_least == 0 ? "" : ">=" + std::to_string(wanted.at_least));
}

/// "fix-3 of vendor example"
std::string named(const std::string& name, const Manifest& manifest) {
  return name + (manifest.vendor.empty() ? " of no vendor" : " of vendor " + manifest.vendor);
}

bool fulfils(const Manifest& manifest, const Manifest::Requirement& wanted) {
  return manifest.id == wanted.id && manifest.serial >= wanted.at_least;
}

bool names(const std::vector<std::string>& conflicts, const Manifest& other) {
  return !other.id.empty() && std::ranges::find(conflicts, other.id) != conflicts.end();
}

/// What stands between the one that comes and one that is there.
class Meeting {
 public:
  Meeting(const std::string& name, const Manifest& manifest, const InstalledPatch& other, std::vector<std::string>& reasons)
      : name_(name), manifest_(manifest), other_(other), reasons_(reasons) {}

  void check() {
    const Manifest& theirs = other_.manifest;
    const bool is_same_vendor = theirs.vendor == manifest_.vendor;
    if (is_same_vendor && !theirs.id.empty() && theirs.id == manifest_.id && theirs.serial > manifest_.serial)
      object("serial " + std::to_string(manifest_.serial) + " of " + manifest_.id + " is older than " + other_.name +
             ", serial " + std::to_string(theirs.serial) + ", which is in effect");
    if (!other_.goes && names(manifest_.conflicts, theirs))
      object("it conflicts with " + theirs.id + ", which is in effect as " + other_.name);
    if (!other_.goes && names(theirs.conflicts, manifest_))
      object(other_.name + ", which is in effect, conflicts with " + manifest_.id);
    if (!is_same_vendor) check_vendor();
    if (other_.goes) check_states();
  }

 private:
  void object(std::string reason) { reasons_.push_back(std::move(reason)); }

  void check_vendor() {
    const std::string both = named(name_, manifest_) + " and " + named(other_.name, other_.manifest);
    for (const Manifest::Function& function : manifest_.functions) {
      const bool is_shared = std::ranges::any_of(other_.manifest.functions,
                                                 [&](const Manifest::Function& theirs) { return theirs.key == function.key; });
      if (is_shared) return object(function.name + " would be patched by both " + both);
    }
    if (other_.goes)
      object("it would take out " + named(other_.name, other_.manifest) + ", and is " + named(name_, manifest_) + " itself");
  }

  void check_states() {
    for (const Manifest::State& state : other_.manifest.states) {
      const bool is_kept = std::ranges::any_of(
          manifest_.states, [&](const Manifest::State& own) { return own.id == state.id && own.version >= state.version; });
      if (!is_kept)
        object("it would take the place of " + other_.name + ", and does not know its state " + state.id + " of version " +
               std::to_string(state.version) + ": nobody would undo what that did");
    }
  }

  const std::string& name_;
  const Manifest& manifest_;
  const InstalledPatch& other_;
  std::vector<std::string>& reasons_;
};

}  // namespace

Result<Manifest::Requirement> parse_requirement(const std::string& text) {
  const std::size_t at = text.find(">=");
  Manifest::Requirement wanted{.id = text.substr(0, at), .at_least = 0};
  const auto serial =
      at == std::string::npos ? std::optional<std::uint64_t>(0) : number_of(std::string_view(text).substr(at + 2));
  if (!is_name(wanted.id) || !serial) return fail(Errc::kInvalid, "'" + text + "' is neither ID nor ID>=SERIAL");
  wanted.at_least = *serial;
  return wanted;
}

Result<Manifest> read_manifest(const KeyValues& metadata, std::string_view prefix) {
  Manifest manifest;
  const auto malformed = [](const std::string& key, const std::string& value) {
    return fail(Errc::kMalformed, "the metadata cannot be read: " + key + "=" + value);
  };
  for (const auto& [full_key, value] : metadata) {
    if (!full_key.starts_with(prefix)) continue;
    const std::string_view key = std::string_view(full_key).substr(prefix.size());
    if (key == "vendor") manifest.vendor = value;
    if (key == "id") manifest.id = value;
    if (key == "replaces") manifest.replaces_all = value != "none";
    if (key == "unload") manifest.stays_loaded = value == "never";
    if (key == "conflicts") manifest.conflicts = words_of(value);
    if (key == "class") manifest.grade = value;
    if (key == "needs") {
      manifest.needs = parse_consistency(value);
      if (!manifest.needs) return malformed(full_key, value);
    }
    if (key == "serial") {
      const auto serial = number_of(value);
      if (!serial) return malformed(full_key, value);
      manifest.serial = *serial;
    }
    if (key == "requires") {
      for (const std::string& word : words_of(value)) {
        const auto wanted = parse_requirement(word);
        if (!wanted) return malformed(full_key, value);
        manifest.requirements.push_back(*wanted);
      }
    }
    if (key == "state") {
      const std::vector<std::string> words = words_of(value);
      const auto version = words.size() == 2 ? number_of(words[1]) : std::nullopt;
      if (!version) return malformed(full_key, value);
      manifest.states.push_back({words[0], *version});
    }
  }
  return manifest;
}

std::vector<std::string> manifest_lines(const KeyValues& metadata, std::string_view prefix) {
  constexpr std::array<std::string_view, 10> kKeys = {"vendor", "id",       "serial", "requires", "conflicts",
                                                      "state",  "replaces", "unload", "needs",    "class"};
  std::vector<std::string> lines;
  for (const auto& [key, value] : metadata)
    if (key.starts_with(prefix) && std::ranges::find(kKeys, std::string_view(key).substr(prefix.size())) != kKeys.end())
      lines.push_back(key + "=" + value);
  return lines;
}

Manifest manifest_of_lines(const std::vector<std::string>& lines, std::string_view prefix) {
  KeyValues entries;
  for (const std::string& line : lines)
    if (const std::size_t equals = line.find('='); equals != std::string::npos)
      entries.emplace_back(line.substr(0, equals), line.substr(equals + 1));
  return read_manifest(entries, prefix).value_or(Manifest());
}

Result<KeyValues> manifest_entries(const Manifest& manifest) {
  std::vector<std::string> requirements;
  std::vector<std::string> all = manifest.conflicts;
  for (const Manifest::Requirement& wanted : manifest.requirements) {
    requirements.push_back(text_of(wanted));
    all.push_back(wanted.id);
  }
  for (const std::string* name : {&manifest.vendor, &manifest.id})
    if (!name->empty()) all.push_back(*name);
  for (const std::string& name : all)
    if (!is_name(name))
      return fail(Errc::kInvalid, "'" + name + "' is no name of a vendor or a series: letters, digits, '.', '_', '-'");
  KeyValues entries;
  const auto add = [&entries](const char* key, const std::string& value) {
    if (!value.empty()) entries.emplace_back(key, value);
  };
  add("vendor", manifest.vendor);
  add("id", manifest.id);
  if (!manifest.id.empty()) add("serial", std::to_string(manifest.serial));
  add("requires", joined(requirements, " "));
  add("conflicts", joined(manifest.conflicts, " "));
  for (const Manifest::State& state : manifest.states) add("state", state.id + " " + std::to_string(state.version));
  if (manifest.stays_loaded) add("unload", "never");
  if (manifest.needs) add("needs", to_text(*manifest.needs));
  return entries;
}

Result<> check_admission(const std::string& name, const Manifest& manifest, const Admission& admission) {
  std::vector<std::string> reasons;
  if (manifest.needs && !admission.provided.covers(*manifest.needs))
    reasons.push_back("it needs the model of consistency " + to_text(*manifest.needs) + ", and " + to_text(admission.provided) +
                      " is provided");
  if (admission.worst == "A" && manifest.grade != "A")
    reasons.push_back((manifest.grade.empty() ? "it does not say its class" : "it is of class " + manifest.grade) +
                      ", and only class A was asked for");
  if (reasons.empty()) return {};
  return tl::unexpected(Error(Errc::kRejected, name + " is not taken: " + joined(reasons, "; "))
                            .with_remedy("read its report; without --class A what asks for eyes is taken, too"));
}

Result<> check_arrival(const std::string& name, const Manifest& manifest, std::span<const InstalledPatch> installed) {
  std::vector<std::string> reasons;
  for (const Manifest::Requirement& wanted : manifest.requirements) {
    const bool is_there =
        std::ranges::any_of(installed, [&](const InstalledPatch& other) { return fulfils(other.manifest, wanted); });
    if (!is_there) reasons.push_back("it requires " + text_of(wanted) + ", which is not in effect");
  }
  for (const InstalledPatch& other : installed)
    if (other.name != name) Meeting(name, manifest, other, reasons).check();
  if (reasons.empty()) return {};
  return tl::unexpected(
      Error(Errc::kRejected, name + " does not fit to the patches that are in effect: " + joined(reasons, "; "))
          .with_remedy("take out what stands in its way, in the order in which it came, or build it for this place"));
}

Result<> check_departure(const std::string& name, const Manifest& manifest, std::span<const InstalledPatch> others) {
  std::vector<std::string> users;
  for (const InstalledPatch& other : others)
    for (const Manifest::Requirement& wanted : other.manifest.requirements)
      if (other.name != name && !manifest.id.empty() && wanted.id == manifest.id) users.push_back(other.name);
  if (users.empty()) return {};
  return tl::unexpected(Error(Errc::kRejected, name + " is required by " + joined(users)).with_remedy("take those out first"));
}

}  // namespace hotpatch

// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a patch says of its place among others, in the metadata of a payload or module, and the rules that follow. Neither Xen nor Linux
// knows vendors, series or serial numbers, and Linux lets a patch be removed below others: so the host's tool holds the rules, before
// anything is uploaded. No option turns them off.
//
//   vendor=NAME              who made it
//   id=NAME                  of the series of patches that it is one of
//   serial=NUMBER            in that series, of that vendor: never goes back
//   requires=ID ID>=NUMBER   series that must be in effect, the latter with that serial or a later one
//   conflicts=ID ID          series that must not be in effect together with it; it is enough if one of the two says so
//   state=ID VERSION         state of the livepatch core, once for each: what its hooks keep in the running system
//   replaces=all, none       whether it takes the place of all that is in effect
//   unload=never             pointers to what it brings may be stored anywhere, so that it stays loaded, in effect or not
//   needs=MODEL              the weakest model of consistency that is enough, "leave patched-set, switch thread": consistency.h
//   class=A, B               docs/safety.md
//
// The keys of a module have "hotpatch_" before them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/support/consistency.h"
#include "common/support/key_values.h"
#include "common/support/result.h"

namespace hotpatch {

struct Manifest {
  struct Requirement {
    std::string id;
    std::uint64_t at_least = 0;  // serial
  };
  struct State {
    std::string id;
    std::uint64_t version = 0;
  };
  struct Function {
    std::string key;   // the same for the same function of two patches
    std::string name;  // for people
  };

  std::string vendor;  // empty: it does not say
  std::string id;      // empty: of no series
  std::uint64_t serial = 0;
  std::vector<Requirement> requirements;
  std::vector<std::string> conflicts;
  std::vector<State> states;
  bool replaces_all = true;  // of a module that does not say: they do
  bool stays_loaded = false;
  std::optional<Consistency> needs;
  std::string grade;                // "A", "B"; empty: it does not say
  std::vector<Function> functions;  // not of the metadata: whoever reads them fills this in
};

/// kMalformed for a value that cannot be read.
Result<Manifest> read_manifest(const KeyValues& metadata, std::string_view prefix);
/// The entries of a file's metadata that make its manifest, as a journal keeps them: "hotpatch_vendor=example"; and back.
[[nodiscard]] std::vector<std::string> manifest_lines(const KeyValues& metadata, std::string_view prefix);
/// What was written by manifest_lines() and cannot be read is left out: it was read once, before it was written.
[[nodiscard]] Manifest manifest_of_lines(const std::vector<std::string>& lines, std::string_view prefix);
/// The keys above with their values. kInvalid for a name that is none: letters, digits, '.', '_', '-'.
Result<KeyValues> manifest_entries(const Manifest& manifest);
/// "ID" or "ID>=NUMBER". kInvalid.
Result<Manifest::Requirement> parse_requirement(const std::string& text);

/// A patch that is in effect.
struct InstalledPatch {
  std::string name;
  Manifest manifest;
  bool goes = false;  // the one that comes takes its place
};

/// What this host takes, whatever else is in effect.
struct Admission {
  Consistency provided;     // by what loads it
  std::string worst = "B";  // "A": only what has the class A
};

/// Whether the host takes such a patch at all. kRejected with every reason.
Result<> check_admission(const std::string& name, const Manifest& manifest, const Admission& admission);
/// Whether the patch may come. kRejected with every reason.
Result<> check_arrival(const std::string& name, const Manifest& manifest, std::span<const InstalledPatch> installed);
/// Whether the patch may go while the others stay. kRejected: one of them requires it.
Result<> check_departure(const std::string& name, const Manifest& manifest, std::span<const InstalledPatch> others);

}  // namespace hotpatch

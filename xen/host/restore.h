// SPDX-License-Identifier: GPL-2.0-or-later
//
// Payloads that shall be there after a reboot too. Xen forgets everything; the operator accepts what has proven itself, and at boot it is
// loaded again, one at a time, in the order in which it was applied.
//
// A payload that takes the host down must not take it down at every boot. So before each one a marker is put on the disk, with this boot's
// ID, and taken away when the payload is in. A marker of another boot tells that the host died in between: that payload is set aside, with
// all that goes on top of it, until somebody accepts it again. Two switches turn all of it off: the kernel argument xen_hotpatch=off, and
// the file /etc/xen-hotpatch/disable.
//
// What was accepted for another hypervisor than the one that runs is passed over: the host was booted with a newer build, say, that has the
// fix already. That is no failure.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "xen/host/operations.h"

namespace hotpatch::xen::host {

struct Accepted {
  std::string name;
  std::string build_id;
  std::string depends;
  std::string xen_build_id;
  std::string digest;  // of the file: sha256_text()
  std::string time;    // UTC, of the acceptance
  std::string user;
  std::string set_aside;  // why it is not loaded any more; empty: it is
};

/// In the order in which they are loaded. An absent list is an empty one. kIo, kMalformed.
Result<std::vector<Accepted>> read_accepted(const std::filesystem::path& state_dir);

/// kNotFound; kRefused if it is not applied, was not uploaded by this program since this boot, or goes on top of a payload that is not
/// accepted. A copy of its file is kept for good. One that was set aside is as new.
Result<Outcome> accept(Session& session, const std::string& name);

/// It is not loaded at the next boot; now it stays as it is. That it is not accepted is `already`. kRefused while another accepted one
/// goes on top of it.
Result<Outcome> forget(Session& session, const std::string& name);

/// Where the switches are.
struct Switches {
  std::filesystem::path command_line = "/proc/cmdline";
  std::filesystem::path disable_file = "/etc/xen-hotpatch/disable";
};

/// Why nothing is restored on this boot; nothing if neither switch is set.
[[nodiscard]] std::optional<std::string> switched_off(const Switches& switches);

enum class Restoration : std::uint8_t {
  kApplied,
  kAlready,
  kOtherHypervisor,  // accepted for another build ID
  kSetAside,         // the host died while it was loaded, or it goes on top of one like that
  kFailed,
};
[[nodiscard]] const char* restoration_name(Restoration restoration) noexcept;

struct Restored {
  std::string name;
  Restoration restoration = Restoration::kFailed;
  std::string detail;
};

/// Loads what is accepted; the marker of each stays for the time `watch` after it was applied. Each one's fate is in the list; a failure
/// of one does not keep the others from being tried. kIo, kMalformed if the list or the marker cannot be read or written: then nothing was
/// loaded.
Result<std::vector<Restored>> restore(Session& session, Milliseconds watch);

}  // namespace hotpatch::xen::host

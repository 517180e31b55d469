// SPDX-License-Identifier: GPL-2.0-or-later
//
// The port to the hypervisor: Xen's livepatch sysctl and the version queries that go with it, one method an operation, no policy. The
// real one is in xenctrl_channel.h; tests put a model of Xen's state machine behind it.
//
// Sources: Xen 4.17 include/public/sysctl.h (XEN_SYSCTL_livepatch_op), include/public/version.h, common/livepatch.c.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "common/support/build_id.h"
#include "common/support/bytes.h"
#include "common/support/result.h"

namespace hotpatch::hypercall {

/// Bytes of a payload's name, its NUL included (XEN_LIVEPATCH_NAME_SIZE).
inline constexpr std::size_t kMaxNameSize = 128;
/// Bytes of a payload file that UPLOAD accepts.
inline constexpr std::uint64_t kMaxUploadSize = std::uint64_t{2} << 20;

enum class State : std::uint32_t { kChecked = 1, kApplied = 2 };

enum class Action : std::uint32_t { kUnload = 1, kRevert = 2, kApply = 3, kReplace = 4 };

/// "checked", "applied"; "state 7" for what Xen does not define.
[[nodiscard]] std::string state_name(State state);
/// "unload", "revert", "apply", "replace"
[[nodiscard]] const char* action_name(Action action) noexcept;

struct Status {
  State state = State::kChecked;
  /// 0, or the negative errno of the last action. -EAGAIN while an action is under way, and also for ever after an action that could
  /// not be scheduled.
  int rc = 0;

  [[nodiscard]] bool is_pending() const noexcept;
  friend bool operator==(const Status&, const Status&) = default;
};

struct Listed {
  std::string name;
  Status status;
  Bytes metadata;  // the payload's .modinfo, after relocation
  friend bool operator==(const Listed&, const Listed&) = default;
};

struct Hypervisor {
  unsigned major = 0;
  unsigned minor = 0;
  std::string extra;         // ".5+72-g01140da4e8-1"
  std::string compiler;      // "x86_64-linux-gnu-gcc (Debian 12.2.0-14+deb12u1) 12.2.0"
  std::string compile_date;  // as the build recorded it
  std::string changeset;

  /// "4.17.5+72-g01140da4e8-1"
  [[nodiscard]] std::string version() const;
};

/// Every method fails with hypercall_error() of the errno that Xen, or the way to it, gave.
class Channel {
 public:
  Channel() = default;
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  Channel(Channel&&) = delete;
  Channel& operator=(Channel&&) = delete;
  virtual ~Channel() = default;

  [[nodiscard]] virtual Result<Hypervisor> hypervisor() = 0;
  /// The running image's build ID. Never empty.
  [[nodiscard]] virtual Result<BuildId> build_id() = 0;
  /// kInvalid for a name that is empty, too long or holds a NUL, and for a payload that is empty or larger than kMaxUploadSize.
  [[nodiscard]] virtual Result<> upload(const std::string& name, ByteView payload) = 0;
  /// ENOENT if there is no payload of that name.
  [[nodiscard]] virtual Result<Status> get(const std::string& name) = 0;
  /// All payloads in the order of their uploads, as they were at one moment. kBusy if the list never stood still.
  [[nodiscard]] virtual Result<std::vector<Listed>> list() = 0;
  /// Success says only that Xen took the request: UNLOAD is done then, the others may have been ignored, or end later, which get()
  /// tells. `timeout_ns` bounds the barrier, 0 is Xen's own 30 ms. `flags` are LIVEPATCH_ACTION_*.
  [[nodiscard]] virtual Result<> action(const std::string& name, Action action, std::uint32_t timeout_ns,
                                        std::uint32_t flags) = 0;
  /// What Xen prints on its console about all its payloads: the debug key 'x'. Lines that Xen printed for other reasons are among it.
  [[nodiscard]] virtual Result<std::string> dump() = 0;
};

/// What an errno of the hypervisor is to us: kBusy for EBUSY and EAGAIN, else kRefused; with a remedy where the errno alone gives one.
[[nodiscard]] Error hypercall_error(std::string what, int os_error);

/// kInvalid unless Xen can take `name`.
Result<> check_name(const std::string& name);

}  // namespace hotpatch::hypercall

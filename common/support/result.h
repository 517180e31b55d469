// SPDX-License-Identifier: GPL-2.0-or-later
//
// The three channels in which things go wrong, never mixed:
//
//   a bug of ours (broken invariant)          HP_CHECK aborts, in every build type                 check.h
//   the world refused (I/O, malformed input)  Result<T>, whose Error carries a chain of context    this file
//   the user's patch breaks a rule            a Finding; all of them are collected and shown       diagnostics.h
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

namespace hotpatch {

/// What kind of refusal this is. Each enumerator leads to one exit code (exit_code.h).
enum class Errc : std::uint8_t {
  kIo,           // a system call failed; os_error() holds errno
  kMalformed,    // the bytes contradict their own format
  kUnsupported,  // well-formed, but something we refuse to guess about
  kNotFound,     // a named file, symbol, section or payload is absent
  kInvalid,      // an argument or a state that cannot be
  kRefused,      // the hypervisor or kernel said no; os_error() holds its errno
  kBusy,         // busy or timed out, nothing changed: the same call may succeed later
  kRejected,     // a safety rule said no
  kNothingToDo,  // no functional change, or not applicable here
  kTrust,        // a signature, digest or build ID does not match
  kUsage,        // the command line makes no sense
};

class [[nodiscard]] Error {
 public:
  Error(Errc code, std::string what, int os_error = 0) : code_(code), os_error_(os_error) { chain_.push_back(std::move(what)); }
  [[nodiscard]] Errc code() const noexcept { return code_; }
  /// errno of the failed call, 0 if there was none.
  [[nodiscard]] int os_error() const noexcept { return os_error_; }
  /// Says what the caller was doing; shown before the causes already recorded.
  [[nodiscard]] Error while_doing(std::string what) && {
    chain_.push_back(std::move(what));
    return std::move(*this);
  }
  /// What the user can do about it; shown on a line of its own. The innermost remedy wins.
  [[nodiscard]] Error with_remedy(std::string remedy) && {
    if (remedy_.empty()) remedy_ = std::move(remedy);
    return std::move(*this);
  }
  [[nodiscard]] const std::string& remedy() const noexcept { return remedy_; }
  /// "apply foo: link: symbol x not found", with the text of os_error() behind it.
  [[nodiscard]] std::string message() const;

 private:
  Errc code_;
  int os_error_;
  std::vector<std::string> chain_;  // innermost first
  std::string remedy_;
};

/// tl::expected 1.0 (Debian 12) is not [[nodiscard]]; a plain alias of it would let a failure go unnoticed.
/// Use HP_TRY and HP_ASSIGN rather than and_then().
template <typename T = void>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
};

template <typename... Args>
[[nodiscard]] tl::unexpected<Error> fail(Args&&... args) {
  return tl::unexpected<Error>(Error(std::forward<Args>(args)...));
}

/// fail() with what `os_error` means; `what` names the object: "open /dev/xen/privcmd".
[[nodiscard]] tl::unexpected<Error> fail_errno(std::string what, int os_error);

/// HP_TRY(expr): returns expr's error from the enclosing function, if it has one.
#define HP_TRY(...)                                                      \
  do {                                                                   \
    if (auto hp_try_result = (__VA_ARGS__); !hp_try_result) [[unlikely]] \
      return ::tl::unexpected(std::move(hp_try_result).error());         \
  } while (false)

/// HP_TRY_DOING(what, expr): the same, with `what` put before the causes. `what` is evaluated on failure only.
#define HP_TRY_DOING(what, ...)                                                    \
  do {                                                                             \
    if (auto hp_try_result = (__VA_ARGS__); !hp_try_result) [[unlikely]]           \
      return ::tl::unexpected(std::move(hp_try_result).error().while_doing(what)); \
  } while (false)

#define HP_CONCAT_IMPL(left, right) left##right
#define HP_CONCAT(left, right) HP_CONCAT_IMPL(left, right)

/// HP_ASSIGN(auto x, expr): x = *expr, or returns expr's error.
#define HP_ASSIGN(lhs, ...) HP_ASSIGN_IMPL(HP_CONCAT(hp_result_, __COUNTER__), lhs, __VA_ARGS__)
#define HP_ASSIGN_IMPL(tmp, lhs, ...)                \
  auto tmp = (__VA_ARGS__);                          \
  if (!tmp) [[unlikely]]                             \
    return ::tl::unexpected(std::move(tmp).error()); \
  lhs = *std::move(tmp)

/// HP_ASSIGN_DOING(what, auto x, expr): the same, with `what` put before the causes.
#define HP_ASSIGN_DOING(what, lhs, ...) HP_ASSIGN_DOING_IMPL(HP_CONCAT(hp_result_, __COUNTER__), what, lhs, __VA_ARGS__)
#define HP_ASSIGN_DOING_IMPL(tmp, what, lhs, ...)                      \
  auto tmp = (__VA_ARGS__);                                            \
  if (!tmp) [[unlikely]]                                               \
    return ::tl::unexpected(std::move(tmp).error().while_doing(what)); \
  lhs = *std::move(tmp)

}  // namespace hotpatch

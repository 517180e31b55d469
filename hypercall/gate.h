// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>

#include "hypercall/sysctl_abi.h"

namespace hotpatch::hypercall {

/// The way to Xen: two hypercalls, and memory for their arguments.
class Gate {
 public:
  Gate() = default;
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;
  Gate(Gate&&) = delete;
  Gate& operator=(Gate&&) = delete;
  virtual ~Gate() = default;

  /// Of at least `size` bytes, not zeroed, which Xen can read and write while a hypercall lasts; null if there is none.
  [[nodiscard]] virtual void* take(std::size_t size) = 0;
  virtual void give_back(void* memory) = 0;

  /// Both: what Xen returns, or -1, with the reason in errno. Requires: the argument, and all that it points to, is of take().
  [[nodiscard]] virtual int version(abi::Version query, void* argument) = 0;
  [[nodiscard]] virtual int sysctl(abi::Sysctl* argument) = 0;
};

}  // namespace hotpatch::hypercall

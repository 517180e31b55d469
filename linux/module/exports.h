// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a kernel exports to modules, as its build wrote it down in Module.symvers: one symbol a line, with tabs between CRC, name, owner,
// kind and (since 5.4) namespace.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "common/support/result.h"

namespace hotpatch::kernel {

/// The owner of what is no module's.
inline constexpr std::string_view kKernelOwner = "vmlinux";

struct Export {
  std::uint32_t crc = 0;         // of the symbol's type; 0 without CONFIG_MODVERSIONS
  std::string owner;             // "vmlinux", or the module as the running kernel calls it: "nf_tables"
  std::string import_namespace;  // that a user must import; usually empty
};

class Exports {
 public:
  /// kMalformed with the line.
  static Result<Exports> parse(std::string_view symvers);
  [[nodiscard]] const Export* find(std::string_view name) const noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return by_name_.size(); }

 private:
  std::map<std::string, Export, std::less<>> by_name_;
};

/// "kernel/net/ipv4/netfilter/nf-nat.ko" -> "nf_nat": the kernel's name of a module by its file's.
[[nodiscard]] std::string module_name(std::string_view file);

}  // namespace hotpatch::kernel

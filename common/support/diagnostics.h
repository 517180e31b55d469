// SPDX-License-Identifier: GPL-2.0-or-later
//
// What is wrong with the user's patch is a list of findings: all of them at once, never only the first.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace hotpatch {

enum class Severity : std::uint8_t {
  kNote,     // worth knowing; changes nothing
  kWarning,  // a human should look
  kError,    // the patch is refused (exit code 3)
};

/// Where a finding points. Empty fields are not known or not meant.
struct Place {
  std::string unit;     // the object, as the build names it: "common/domain.o"
  std::string symbol;   // "domain_kill"
  std::string section;  // ".altinstructions+0x1c"
  std::string source;   // "common/domain.c:123"
};

struct Finding {
  std::string rule;  // stable identifier, "HP050-init"; docs/rules.md lists them all
  Severity severity = Severity::kError;
  Place where;
  std::string text;    // what is wrong, with the numbers
  std::string remedy;  // what the user can do
};

class Diagnostics {
 public:
  void add(Finding finding);
  void append(const Diagnostics& other) { findings_.insert(findings_.end(), other.findings_.begin(), other.findings_.end()); }
  [[nodiscard]] const std::vector<Finding>& findings() const noexcept { return findings_; }
  [[nodiscard]] bool has_errors() const noexcept;
  /// One paragraph a finding, for a terminal.
  [[nodiscard]] std::string text() const;

 private:
  std::vector<Finding> findings_;
};

/// "note", "warning", "error"
[[nodiscard]] const char* severity_name(Severity severity) noexcept;

}  // namespace hotpatch

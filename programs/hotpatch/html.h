// SPDX-License-Identifier: GPL-2.0-or-later
//
// Pages of HTML that need nothing but themselves: no script, no font, no image from elsewhere. They print, and are light or dark as the
// reader's system is. Whatever comes from a file is escaped.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "programs/hotpatch/call_graph.h"
#include "programs/hotpatch/side_by_side.h"

namespace hotpatch::cli {

/// Text as it may stand between tags and in attributes: & < > " ' as entities, control characters and what is not UTF-8 as U+FFFD.
[[nodiscard]] std::string escape(std::string_view text);

class Page {
 public:
  explicit Page(std::string_view title);

  void heading(std::string_view text);
  void paragraph(std::string_view text);
  /// What a reader must not miss, before all else. `mood`: "good", "mind", "bad".
  void banner(std::string_view mood, std::string_view headline, const std::vector<std::string>& lines);
  /// One row for each of `rows`, as long as `head`. With `marks_first`, a row's first value is a severity, and shown as such.
  void table(std::span<const std::string> head, const std::vector<std::vector<std::string>>& rows, bool marks_first = false);
  void listing(const SideBySide& listing);
  /// Callers, the function, and what it calls, as a drawing; what does not fit in it, as text below.
  void graph(const Calls& calls);
  /// The page, complete.
  [[nodiscard]] std::string finish() &&;

 private:
  std::string text_;
};

}  // namespace hotpatch::cli

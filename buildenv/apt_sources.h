// SPDX-License-Identifier: GPL-2.0-or-later
//
// The package sources that the system is configured with (sources.list(5)), in either of their two formats, and what this project makes
// of them: the same mirrors with the same keys, with source packages enabled, in a private file.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/support/result.h"

namespace hotpatch::buildenv {

struct AptSource {
  std::vector<std::string> uris;
  std::vector<std::string> suites;
  std::vector<std::string> components;
  std::vector<std::pair<std::string, std::string>> options;  // deb822 field names and values, continuation lines included
};

/// The one-line format: "deb [signed-by=/k.gpg] http://… bookworm main". Lines for source packages alone and those of CDs are left out.
/// kMalformed with `name` and the line number.
Result<std::vector<AptSource>> parse_one_line_sources(std::string_view text, std::string_view name);
/// The deb822 format. Disabled stanzas are left out.
Result<std::vector<AptSource>> parse_deb822_sources(std::string_view text, std::string_view name);

/// Only the suites of that release ("bookworm", "bookworm-security", "bookworm/updates", …) and of its moving names ("stable-updates"),
/// and only sources with the component "main"; one URI and suite each, none twice.
[[nodiscard]] std::vector<AptSource> sources_of_release(const std::vector<AptSource>& sources, const std::string& codename);

/// deb822 stanzas with binary and source packages enabled.
[[nodiscard]] std::string deb822_text(const std::vector<AptSource>& sources);

/// All sources of `etc`: sources.list, and *.list and *.sources in sources.list.d.
Result<std::vector<AptSource>> read_apt_sources(const std::filesystem::path& etc);

}  // namespace hotpatch::buildenv

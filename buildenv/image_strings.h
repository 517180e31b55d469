// SPDX-License-Identifier: GPL-2.0-or-later
//
// What an image of Xen says of its own build. The strings of include/xen/compile.h come from variables of the build (date, user, domain);
// with the same values, a tree of one's own can be built again to the same bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/elf/image.h"

namespace hotpatch::buildenv {

/// The string that a function returns whose whole body is `return "…";`. Nothing for any other function.
[[nodiscard]] std::optional<std::string> returned_string(const elf::Image& image, std::string_view function);

/// The configuration that the image carries, compressed, as xen_config_data (xen/common/Makefile). Nothing if it has none,
/// or gzip(1) refuses it.
[[nodiscard]] std::optional<std::string> embedded_config(const elf::Image& image);

/// Environment variables for the build (xen/Makefile and xen/build.mk, upstream's and Debian's) that give the image's own strings. Sorted.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> identity_variables(const elf::Image& image);

}  // namespace hotpatch::buildenv

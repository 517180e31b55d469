// SPDX-License-Identifier: GPL-2.0-or-later
//
// The proof over a whole build: every object under HOTPATCH_XEN_BUILD (Xen's build directory, the one with xen-syms) against its
// own image. The test prove.whole_build gives it the base that the larger tests work on.
#include <doctest/doctest.h>

#include <cstdlib>

#include "common/prove/prove.h"

using namespace hotpatch;
namespace fs = std::filesystem;

namespace {

/// Objects that are inputs of the image's link: no partial links, no tools, none whose renamed copy is linked in its place.
bool is_input(const fs::path& path, const std::string& unit) {
  if (path.extension() != ".o" || path.filename() == "built_in.o" || path.filename() == "prelink.o") return false;
  if (unit.starts_with("tools/") || unit.starts_with("test/") || unit == "common/libelf/libelf.o") return false;
  if (unit == "common/libelf/libelf-temp.o") return false;
  return !fs::exists(fs::path(path).replace_extension(".init.o"));
}

/// Not listed without it, so that nobody takes a test that did not run for one that passed.
const char* const build = std::getenv("HOTPATCH_XEN_BUILD");

}  // namespace

TEST_CASE("every object of a whole build is proven against the image made of it" * doctest::skip(build == nullptr)) {
  auto file = elf::read_object(fs::path(build) / "xen-syms");
  REQUIRE(file);
  const auto image = elf::Image::make(std::move(*file));
  REQUIRE(image);
  std::size_t objects = 0;
  std::size_t functions = 0;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(build)) {
    const std::string unit = fs::relative(entry.path(), build).string();
    if (!entry.is_regular_file() || !is_input(entry.path(), unit)) continue;
    const auto object = elf::read_object(entry.path());
    if (!object) continue;  // 32-bit boot code, whose content reaches the image as data of head.o
    const auto located = prove::locate(*object, *image, unit);
    REQUIRE(located);
    INFO(unit);
    for (const prove::Mismatch& mismatch : located->mismatches)
      FAIL_CHECK(mismatch.symbol << "+" << mismatch.offset << ": " << mismatch.reason);
    ++objects;
    functions += located->proven_functions;
  }
  MESSAGE(objects << " objects, " << functions << " functions");
  CHECK(objects > 300);
  CHECK(functions > 3000);
}

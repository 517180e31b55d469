// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/linux/unit_index.h"

#include <fstream>

#include <doctest/doctest.h>

#include "common/support/file.h"
#include "tests/support/toolchain.h"

namespace fs = std::filesystem;
using namespace hotpatch;
using namespace hotpatch::buildenv;

TEST_CASE("an index is the same after it was written and read") {
  const TempDir directory = *TempDir::make("index-test");
  fs::create_directories(directory.path() / "arch/x86/lib");
  std::ofstream(directory.path() / "arch/x86/lib/memcpy.S") << "\n";
  UnitIndexBuilder builder;
  elf::UnitNames module;
  module.units = {
      {"drivers/b.c", "dir", "GNU C11"}, {"drivers/b.mod.c", "dir", "GNU C11"}, {"lib/shared.c", "dir", "GNU C11 -O3"}};
  builder.add({"kernel/drivers/a-b.ko", 512, 1000, {}}, module);
  elf::UnitNames image;
  image.units = {{"virt/../lib/shared.c", "dir", "GNU C11"}, {"/build/linux-6.1/arch/x86/lib/memcpy.S", "dir", "GNU AS 2.40"}};
  builder.add({std::string(kImageOwner), 0, 9000, {}}, image);
  const UnitIndex index = std::move(builder).finish(directory.path());
  CHECK(index.owners.front().is_image());
  CHECK(index.owners.back().module_name() == "a_b");
  REQUIRE(index.units.size() == 4);
  CHECK(index.of_source("arch/x86/lib/memcpy.S").size() == 1);
  CHECK(index.of_source("lib/shared.c").size() == 2);
  CHECK(index.of_source("drivers/b.mod.c").empty());
  CHECK(index.of_source("drivers/b.c").front()->object() == "drivers/b.o");

  REQUIRE(write_unit_index(index, directory.path()));
  const auto again = read_unit_index(directory.path());
  REQUIRE_MESSAGE(again, again.error().message());
  REQUIRE(again->units.size() == index.units.size());
  for (std::size_t i = 0; i < index.units.size(); ++i) {
    CHECK(again->units[i].source == index.units[i].source);
    CHECK(again->owners[again->units[i].owner].name == index.owners[index.units[i].owner].name);
    CHECK(again->producers[again->units[i].producer] == index.producers[index.units[i].producer]);
  }
  CHECK(again->owners.back().offset == 512);
  CHECK(again->owners.back().size == 1000);

  std::ofstream(directory.path() / "units") << "lib/x.c\t7\t0\n";
  CHECK(!read_unit_index(directory.path()));
}

TEST_CASE("units of objects, of ld -r and of linked images are named by their debugging information") {
  test::Toolchain tools;
  const std::vector<std::string> flags = {"-g", "-O1", "-fno-pie"};
  tools.compile("one.c", "int two(void); int one(void) { return two(); }", flags);
  tools.compile("sub/two.c", "int two(void) { return 2; } void _start(void) { }", flags);
  tools.tool({"ld", "-r", "-o", "both.o", "one.o", "sub/two.o"});
  tools.tool({"ld", "--emit-relocs", "--build-id", "-o", "image", "one.o", "sub/two.o"});
  for (const char* file : {"both.o", "image"}) {
    const auto bytes = read_file(tools.directory() / file);
    REQUIRE(bytes);
    const auto names = elf::read_unit_names(*bytes, file);
    REQUIRE_MESSAGE(names, names.error().message());
    REQUIRE(names->units.size() == 2);
    CHECK(names->units[0].name == "one.c");
    CHECK(names->units[1].name == "sub/two.c");
    CHECK(names->units[0].producer.starts_with("GNU C"));
    CHECK(names->build_id.empty() == (std::string_view(file) == "both.o"));
  }
  const auto object = read_file(tools.directory() / "one.o");
  Bytes cut(object->begin(), object->begin() + 100);
  CHECK(!elf::read_unit_names(cut, "cut"));
}

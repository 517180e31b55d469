// SPDX-License-Identifier: GPL-2.0-or-later
//
// A module is ld -r of its objects: each of them must be found in the image made of it, and one that was changed must not.
#include "buildenv/linux/module_image.h"

#include <doctest/doctest.h>

#include "common/prove/prove.h"
#include "tests/support/toolchain.h"

using namespace hotpatch;
using namespace hotpatch::buildenv;

namespace {

const std::vector<std::string> kFlags = {"-O2", "-fno-pie", "-mcmodel=kernel", "-fno-asynchronous-unwind-tables"};
constexpr const char* kFirst =
    "extern int printk(const char *, ...); static int count; int second(int);\n"
    "static __attribute__((noinline)) int helper(int x) { count += x; return printk(\"first %d\", count); }\n"
    "int first(int x) { return helper(x) + second(x); }\n";
constexpr const char* kSecond =
    "extern int printk(const char *, ...); static int count = 3; extern int first(int);\n"
    "static __attribute__((noinline)) int helper(int x) { count *= x; return printk(\"second %d\", count); }\n"
    "int second(int x) { return helper(x); } int (*table[])(int) = { first, second };\n";

Result<elf::Image> linked(test::Toolchain& tools) {
  tools.tool({"ld", "-r", "-o", "module.ko", "first.o", "second.o"});
  HP_ASSIGN(Bytes bytes, read_file(tools.directory() / "module.ko"));
  return module_image(std::move(bytes), "module.ko");
}

}  // namespace

TEST_CASE("the objects of a module are proven in it, and their addresses tell equal names apart") {
  test::Toolchain tools;
  const elf::Object first = tools.compile("first.c", kFirst, kFlags);
  const elf::Object second = tools.compile("second.c", kSecond, kFlags);
  const auto image = linked(tools);
  REQUIRE_MESSAGE(image, image.error().message());
  const auto one = prove::locate(first, *image, "first.o");
  const auto other = prove::locate(second, *image, "second.o");
  REQUIRE(one);
  REQUIRE(other);
  for (const prove::Mismatch& mismatch : one->mismatches) MESSAGE(mismatch.symbol << ": " << mismatch.reason);
  CHECK(one->mismatches.empty());
  CHECK(other->mismatches.empty());
  CHECK(one->proven_functions == 2);
  CHECK(other->proven_functions == 2);
  const auto address = [](const elf::Object& object, const prove::Located& located, std::string_view name) {
    for (std::size_t i = 1; i < object.symbols().size(); ++i)
      if (object.symbols()[i].name == name) return located.symbol_address[i];
    return std::optional<TargetAddr>();
  };
  const auto helper = address(first, *one, "helper");
  REQUIRE(helper);
  CHECK(helper != address(second, *other, "helper"));
  CHECK(helper->value() >= kModuleBase);
  const auto foreign = address(first, *one, "printk");
  REQUIRE(foreign);
  CHECK(foreign->value() >= kForeignBase);
  CHECK(foreign->value() < kModuleBase);
}

TEST_CASE("another object is not in the module") {
  test::Toolchain tools;
  tools.compile("first.c", kFirst, kFlags);
  tools.compile("second.c", kSecond, kFlags);
  const auto image = linked(tools);
  REQUIRE(image);
  std::string text = kFirst;
  text.replace(text.find("count += x"), 10, "count -= x");
  const elf::Object changed = tools.compile("first.c", text, kFlags);
  const auto located = prove::locate(changed, *image, "first.o");
  REQUIRE(located);
  CHECK(!located->mismatches.empty());
  text = kFirst;
  text.replace(text.find("second(x); }"), 12, "first(-x); }");
  const elf::Object redirected = tools.compile("first.c", text, kFlags);
  const auto other = prove::locate(redirected, *image, "first.o");
  REQUIRE(other);
  CHECK(!other->mismatches.empty());
}

TEST_CASE("what is no module is refused") {
  CHECK(!module_image(Bytes(10), "short"));
  test::Toolchain tools;
  tools.compile("first.c", "void _start(void) { }", kFlags);
  tools.tool({"ld", "-o", "image", "first.o"});
  CHECK(!module_image(*read_file(tools.directory() / "image"), "image"));
}

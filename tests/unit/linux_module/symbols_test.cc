// SPDX-License-Identifier: GPL-2.0-or-later
#include "linux/module/symbols.h"

#include <algorithm>

#include "tests/unit/linux_module/small_kernel.h"

namespace hotpatch::kernel {
namespace {

TEST_CASE("a place is named by its symbol and that symbol's number, in the order of addresses") {
  const small::Kernel kernel;
  const OwnerSymbols symbols("vmlinux", kernel.image);
  std::vector<TargetAddr> starts;
  for (const elf::ImageSymbol* symbol : kernel.image.find("c_start")) starts.push_back(symbol->address);
  REQUIRE(starts.size() == 2);
  std::ranges::sort(starts);
  for (std::uint32_t number = 0; number < 2; ++number) {
    const auto found = symbols.identify(starts[number], "c_start");
    REQUIRE(found);
    CHECK(found->name == "c_start");
    CHECK(found->position == number + 1);
    CHECK(found->offset == 0);
  }
  const auto helper = symbols.identify(kernel.at("helper"), "helper");
  REQUIRE(helper);
  CHECK(helper->position == 0);
}

TEST_CASE("a place without a symbol is the nearest one's, of the same section") {
  const small::Kernel kernel;
  const OwnerSymbols symbols("vmlinux", kernel.image);
  const auto found = symbols.identify(kernel.at("unnamed_behind") + 4, "");
  REQUIRE(found);
  CHECK(found->name == "unnamed_behind");
  CHECK(found->offset == 4);
  CHECK(!symbols.identify(TargetAddr(0x1000), ""));
}

TEST_CASE("what moves with the kernel is reached from its beginning") {
  const small::Kernel kernel;
  const OwnerSymbols symbols("vmlinux", kernel.image);
  for (const char* name : {"_text", "state", "unnamed_behind", "boot_only"}) {
    const auto found = symbols.by_anchor(kernel.at(name));
    REQUIRE(found);
    CHECK(found->name == "_text");
    CHECK(found->position == 0);
    CHECK(kernel.at("_text") + found->offset == kernel.at(name));
  }
  CHECK(!symbols.by_anchor(TargetAddr(0x1000)));  // per CPU
  CHECK(!symbols.by_anchor(kernel.at("state") + 0x10000000));
  CHECK(!OwnerSymbols("module", kernel.image).by_anchor(kernel.at("state")));
}

TEST_CASE("of several names for one place the wanted one is taken, or else one that is unique") {
  const small::Kernel kernel;
  const OwnerSymbols symbols("vmlinux", kernel.image);
  CHECK(symbols.identify(kernel.at("changing"), "site")->name == "site");
  CHECK(symbols.identify(kernel.at("changing"), "changing")->name == "changing");
  CHECK(symbols.identify(kernel.at("changing"), "neither")->position == 0);
  CHECK(symbols.names_at(kernel.at("changing")).size() == 2);
}

TEST_CASE("the tracer's table says what can be redirected, and the linker's marks what is freed") {
  const small::Kernel kernel;
  const OwnerSymbols symbols("vmlinux", kernel.image);
  CHECK(symbols.call_site(kernel.at("changing")) == kernel.at("site"));
  CHECK(!symbols.call_site(kernel.at("untraced")));
  CHECK(symbols.is_sealed(kernel.at("sealed")));
  CHECK(symbols.is_sealed(kernel.at("untraced")));
  CHECK(!symbols.is_sealed(kernel.at("changing")));
  CHECK(symbols.is_init(kernel.at("boot_only")));
  CHECK(!symbols.is_init(kernel.at("state")));
}

}  // namespace
}  // namespace hotpatch::kernel

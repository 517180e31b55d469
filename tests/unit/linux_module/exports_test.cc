// SPDX-License-Identifier: GPL-2.0-or-later
#include <doctest/doctest.h>

#include "linux/module/exports.h"
#include "linux/module/metadata.h"

namespace hotpatch::kernel {
namespace {

TEST_CASE("Module.symvers gives CRC, owner and namespace") {
  const auto exports = Exports::parse(
      "0xb27de5fe\tklp_enable_patch\tvmlinux\tEXPORT_SYMBOL_GPL\t\n"
      "0x00000001\tnft_thing\tnet/netfilter/nf-tables\tEXPORT_SYMBOL_GPL\tNF_SPACE\n"
      "0x00000002\told\tvmlinux\tEXPORT_SYMBOL\n");
  REQUIRE(exports);
  CHECK(exports->size() == 3);
  REQUIRE(exports->find("klp_enable_patch") != nullptr);
  CHECK(exports->find("klp_enable_patch")->crc == 0xb27de5fe);
  CHECK(exports->find("klp_enable_patch")->owner == "vmlinux");
  CHECK(exports->find("klp_enable_patch")->import_namespace.empty());
  CHECK(exports->find("nft_thing")->owner == "nf_tables");
  CHECK(exports->find("nft_thing")->import_namespace == "NF_SPACE");
  CHECK(exports->find("old") != nullptr);
  CHECK(exports->find("absent") == nullptr);
}

TEST_CASE("a line that is no export is refused with its number") {
  for (const char* text : {"0x1\ta\tvmlinux\tX\t\nnonsense\n", "0x1\ta\tvmlinux\tX\t\n12\tb\tvmlinux\tX\t\n",
                           "0x1\ta\tvmlinux\tX\t\n0xzz\tb\tvmlinux\tX\t\n", "0x1\ta\tvmlinux\tX\t\n0x2\t\tvmlinux\tX\t\n"}) {
    const auto exports = Exports::parse(text);
    REQUIRE(!exports);
    CHECK(exports.error().code() == Errc::kMalformed);
    CHECK(exports.error().message().find("line 2") != std::string::npos);
  }
}

TEST_CASE("a module is called by its file's name with underscores") {
  CHECK(module_name("kernel/net/ipv4/netfilter/nf-nat.ko") == "nf_nat");
  CHECK(module_name("vmlinux") == "vmlinux");
}

TEST_CASE("what a module says of itself is read as it was written") {
  const KeyValues info = {
      {"name", "x"}, {"hotpatch_function", "vmlinux a,1"}, {"hotpatch_function", "vmlinux b,0"}, {"depends", ""}};
  CHECK(parse_key_values(as_text(format_key_values(info))) == info);
  CHECK(value_of(info, "hotpatch_function") == "vmlinux a,1");
  CHECK(!value_of(info, "absent"));
  CHECK(parse_key_values(std::string_view("no equals\0a=b", 13)) == KeyValues{{"no equals", ""}, {"a", "b"}});
}

}  // namespace
}  // namespace hotpatch::kernel

// SPDX-License-Identifier: GPL-2.0-or-later
#include "linux/payload/module_info.h"

#include <doctest/doctest.h>

namespace hotpatch::kernel::payload {
namespace {

using namespace std::string_literals;

/// A relocatable file with these sections, their names, and nothing else.
Bytes make_file(const std::vector<std::pair<std::string, std::string>>& sections) {
  std::string names = "\0"s;
  std::string contents;
  struct Header {
    std::uint32_t name;
    std::uint64_t offset;
    std::uint64_t size;
  };
  std::vector<Header> headers;
  const auto add = [&](const std::string& name, const std::string& content) {
    headers.push_back({static_cast<std::uint32_t>(names.size()), 64 + contents.size(), content.size()});
    names += name + "\0"s;
    contents += content;
  };
  for (const auto& [name, content] : sections) add(name, content);
  headers.push_back({static_cast<std::uint32_t>(names.size()), 64 + contents.size(), 0});
  names += ".shstrtab\0"s;
  headers.back().size = names.size();
  contents += names;
  contents.resize((contents.size() + 7) / 8 * 8);
  ByteWriter out;
  for (const char c :
       "\x7f"
       "ELF\x02\x01\x01\0\0\0\0\0\0\0\0\0"s)
    out.write(static_cast<std::uint8_t>(c));
  out.write<std::uint16_t>(1);   // ET_REL
  out.write<std::uint16_t>(62);  // EM_X86_64
  out.write<std::uint32_t>(1);
  out.write<std::uint64_t>(0);
  out.write<std::uint64_t>(0);
  out.write<std::uint64_t>(64 + contents.size());  // e_shoff
  out.write<std::uint32_t>(0);
  for (const std::size_t value :
       {std::size_t{64}, std::size_t{0}, std::size_t{0}, std::size_t{64}, headers.size() + 1, headers.size()})
    out.write(static_cast<std::uint16_t>(value));
  for (const char c : contents) out.write(static_cast<std::uint8_t>(c));
  for (int i = 0; i < 8; ++i) out.write<std::uint64_t>(0);
  for (const Header& header : headers) {
    out.write(header.name);
    out.write<std::uint32_t>(1);  // SHT_PROGBITS
    out.write<std::uint64_t>(0);
    out.write<std::uint64_t>(0);
    out.write(header.offset);
    out.write(header.size);
    for (int i = 0; i < 3; ++i) out.write<std::uint64_t>(0);
  }
  return std::move(out).take();
}

const std::string kNote = "\4\0\0\0\2\0\0\0\3\0\0\0GNU\0\xab\xcd\0\0"s;
const std::string kEntries =
    "license=GPL\0\0livepatch=Y\0depends=a,b-c\0name=fix_1\0hotpatch_build_id=0102\0"
    "hotpatch_target=binfmt_misc 0a0b\0hotpatch_target=kvm 0c\0"
    "softdep=pre: crc32c blake2b-256 post: late\0softdep=pre: last\0alone\0"s;

TEST_CASE("what a module says is read, with its build ID and its targets") {
  const auto info = read_module_info(make_file({{".modinfo", kEntries}, {".note.gnu.build-id", kNote}}));
  REQUIRE(info);
  CHECK(info->is_livepatch());
  CHECK(info->name() == "fix_1");
  CHECK(info->value(kBuildIdKey) == "0102");
  CHECK(info->build_id.text() == "abcd");
  CHECK_FALSE(info->is_signed);
  CHECK(info->entries.back() == std::pair<std::string, std::string>("alone", ""));
  CHECK(dependencies(*info) == std::vector<std::string>{"a", "b_c"});
  CHECK(soft_dependencies(*info) == std::vector<std::string>{"crc32c", "blake2b_256", "last"});
  const auto targets = target_modules(*info);
  REQUIRE(targets);
  REQUIRE(targets->size() == 2);
  CHECK((*targets)[1].name == "kvm");
  CHECK((*targets)[1].build_id.text() == "0c");
}

TEST_CASE("an appended signature is seen") {
  Bytes file = make_file({{".modinfo", kEntries}});
  const std::string_view mark = "~Module signature appended~\n";
  const ByteView bytes = as_byte_view(mark);
  file.insert(file.end(), bytes.begin(), bytes.end());
  const auto info = read_module_info(file);
  REQUIRE(info);
  CHECK(info->is_signed);
  CHECK(info->build_id.empty());
}

TEST_CASE("a target that is no module and build ID is malformed") {
  for (const std::string_view entry : {"hotpatch_target=kvm", "hotpatch_target= 01", "hotpatch_target=kvm xyz"}) {
    const auto info = read_module_info(make_file({{".modinfo", std::string(entry) + "\0"s}}));
    REQUIRE(info);
    const auto targets = target_modules(*info);
    REQUIRE_FALSE(targets);
    CHECK(targets.error().code() == Errc::kMalformed);
  }
}

TEST_CASE("no module, and a module cut off at any byte, is refused without harm") {
  CHECK_FALSE(read_module_info({}));
  CHECK_FALSE(read_module_info(make_file({{".text", "x"}})));
  const Bytes whole = make_file({{".modinfo", kEntries}, {".note.gnu.build-id", kNote}});
  for (std::size_t size = 0; size < whole.size(); ++size) CHECK_FALSE(read_module_info(ByteView(whole).first(size)));
}

}  // namespace
}  // namespace hotpatch::kernel::payload

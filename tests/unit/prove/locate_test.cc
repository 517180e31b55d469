// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/prove/prove.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>

#include "tests/support/toolchain.h"

using namespace hotpatch;

namespace {

constexpr const char* kOne = R"(
int two(int);
int two_too(int);
int shared = 7;
static int counter;
static const char *const names[] = {"zero", "first", "second"};
static __attribute__((noinline)) int helper(int x) { return x * 3 + ++counter; }
const char *name(unsigned i) { return i < 3 ? names[i] : "out of range"; }
int one(int x) { return helper(two(x)) + shared; }
int one_too(int x) { counter += two_too(x); return counter; }
int pick(int x) {
  switch (x) {
    case 0: return two(5);
    case 1: return two_too(x + 9);
    case 2: return helper(two(x));
    case 3: return shared;
    case 4: return two(x) * x;
    case 5: return counter / 3;
    default: return x;
  }
}
)";

constexpr const char* kTwo = R"(
static int counter = 5;
static __attribute__((noinline)) int helper(int x) { return x - counter++; }
int two(int x) { return helper(x) + 1; }
int two_too(int x) { return helper(x) + 2; }
const char *motto(void) { return "the second is out of range"; }
)";

struct Pair {
  test::Toolchain tools;
  elf::Object one = tools.compile("one.c", kOne);
  elf::Object two = tools.compile("two.c", kTwo);
  elf::Image image = elf::Image::make(tools.link("image", {"one.o", "two.o"})).value();

  /// The image with the bytes at `address` replaced.
  [[nodiscard]] elf::Image altered(TargetAddr address, ByteView replacement) const {
    const elf::Object& file = image.object();
    const elf::Section& section = file.section(image.section_at(address).value());
    const auto begin =
        static_cast<std::size_t>(section.contents.data() - file.bytes().data()) + (address.value() - section.address);
    Bytes bytes(file.bytes().begin(), file.bytes().end());
    std::ranges::copy(replacement, bytes.begin() + static_cast<std::ptrdiff_t>(begin));
    return elf::Image::make(elf::parse_object(std::move(bytes), "altered image").value()).value();
  }
  [[nodiscard]] elf::Image altered(TargetAddr address, std::uint8_t byte) const {
    const std::byte one_byte{byte};
    return altered(address, ByteView(&one_byte, 1));
  }
  [[nodiscard]] TargetAddr global(std::string_view name) const { return image.find_global(name)->address; }
};

prove::Located located(const elf::Object& object, const elf::Image& image, const char* unit) {
  auto result = prove::locate(object, image, unit);
  REQUIRE(result);
  return std::move(*result);
}

std::string first_reason(const prove::Located& located) {
  return located.mismatches.empty() ? "" : located.mismatches.front().symbol + ": " + located.mismatches.front().reason;
}

std::optional<TargetAddr> address_of(const elf::Object& object, const prove::Located& located, std::string_view name) {
  for (std::size_t i = 1; i < object.symbols().size(); ++i)
    if (object.symbols()[i].name == name) return located.symbol_address[i];
  return std::nullopt;
}

std::size_t functions_of(const elf::Object& object) {
  return static_cast<std::size_t>(std::ranges::count(object.symbols(), elf::SymbolType::kFunction, &elf::Symbol::type));
}

/// The first relocation to `target` in the section of that name.
const elf::Relocation& relocation_to(const elf::Object& object, std::string_view section, std::string_view target) {
  const elf::Section& holder = object.section(object.find_section(section).value());
  const auto found = std::ranges::find_if(holder.relocations, [&](const elf::Relocation& relocation) {
    const elf::Symbol& symbol = object.symbol(relocation.symbol);
    const bool is_section = symbol.type == elf::SymbolType::kSection;
    return (is_section ? object.section(symbol.section).name : symbol.name) == target;
  });
  REQUIRE(found != holder.relocations.end());
  return *found;
}

}  // namespace

TEST_CASE("both units of an image are proven, and every address is the linker's") {
  const Pair pair;
  for (const auto* object : {&pair.one, &pair.two}) {
    const auto found = located(*object, pair.image, object == &pair.one ? "one.o" : "two.o");
    CHECK(first_reason(found) == "");
    CHECK(found.absent.empty());
    for (std::size_t i = 1; i < object->symbols().size(); ++i) {
      const elf::Symbol& symbol = object->symbols()[i];
      if (symbol.binding != elf::SymbolBinding::kGlobal) continue;
      INFO(std::string(symbol.name));
      CHECK(found.symbol_address[i] == pair.global(symbol.name));
    }
  }
  CHECK(located(pair.one, pair.image, "one.o").proven_functions == functions_of(pair.one));
  CHECK(located(pair.two, pair.image, "two.o").proven_functions == functions_of(pair.two));
}

TEST_CASE("locals of one name in two units are told apart by their FILE symbols") {
  const Pair pair;
  const auto one = located(pair.one, pair.image, "one.o");
  const auto two = located(pair.two, pair.image, "two.o");
  CHECK(address_of(pair.one, one, "helper") == pair.image.find_local("one.c", "helper").at(0)->address);
  CHECK(address_of(pair.two, two, "helper") == pair.image.find_local("two.c", "helper").at(0)->address);
  CHECK(address_of(pair.one, one, "counter") == pair.image.find_local("one.c", "counter").at(0)->address);
}

TEST_CASE("a table without a name is placed by the code that uses it, and compared") {
  const Pair pair;
  const auto table = pair.one.find_section(".rodata.pick");
  REQUIRE(table);
  const auto found = located(pair.one, pair.image, "one.o");
  REQUIRE(found.section_address[table->value()]);
  const auto wrong = located(pair.one, pair.altered(*found.section_address[table->value()] + 8, 0xff), "one.o");
  CHECK(first_reason(wrong).find(".rodata.pick: R_X86_64_64 to .text.pick puts .text.pick at") == 0);
}

TEST_CASE("one altered byte of a function is found with its place and both contents") {
  const Pair pair;
  const TargetAddr helper = pair.image.find_local("one.c", "helper").at(0)->address;
  const auto before = load_le<std::uint8_t>(pair.image.bytes_at(helper + 1, 1).value(), 0);
  const auto found = located(pair.one, pair.altered(helper + 1, before ^ 1U), "one.o");
  REQUIRE(found.mismatches.size() == 1);
  const prove::Mismatch& mismatch = found.mismatches.front();
  CHECK(mismatch.symbol == "helper");
  CHECK(mismatch.offset == 1);
  CHECK(mismatch.reason == "bytes differ");
  CHECK(mismatch.rebuilt.at(0) == std::byte{before});
  CHECK(mismatch.image.at(0) == std::byte(before ^ 1U));
  CHECK(found.proven_functions == functions_of(pair.one) - 1);
}

TEST_CASE("every byte of every function and table matters, and so does every field") {
  const Pair pair;
  std::size_t altered = 0;
  for (const char* name : {"one", "one_too", "pick", "name", "names", "helper"}) {
    const elf::ImageSymbol* symbol = pair.image.find_global(name);
    if (symbol == nullptr) symbol = pair.image.find_local("one.c", name).at(0);
    for (std::uint64_t at = 0; at < symbol->size; ++at, ++altered) {
      const TargetAddr address = symbol->address + at;
      const auto before = load_le<std::uint8_t>(pair.image.bytes_at(address, 1).value(), 0);
      INFO(std::string(name), "+", at);
      CHECK_FALSE(located(pair.one, pair.altered(address, before ^ 0x40U), "one.o").mismatches.empty());
    }
  }
  CHECK(altered > 150);
}

TEST_CASE("a call that leads to another function than the source says is found") {
  const Pair pair;
  const elf::Relocation& call = relocation_to(pair.one, ".text.one", "two");
  const TargetAddr field = pair.global("one") + call.offset;
  Bytes distance(4);
  store_le<std::uint32_t>(distance, 0, static_cast<std::uint32_t>(pair.global("two_too") - (field + 4)));
  const auto found = located(pair.one, pair.altered(field, distance), "one.o");
  REQUIRE(found.mismatches.size() == 1);
  CHECK(found.mismatches.front().offset == call.offset);
  CHECK(first_reason(found) == "one: R_X86_64_PLT32 to two leads to two_too");
}

TEST_CASE("a reference to another string than the source's is found though both are strings") {
  Pair pair;
  const elf::Object two = pair.tools.compile("two.c", kTwo, {"-fpie"});
  pair.image = elf::Image::make(pair.tools.link("image", {"one.o", "two.o"})).value();
  const elf::Relocation& use = relocation_to(two, ".text.motto", ".LC0");
  const TargetAddr field = pair.global("motto") + use.offset;
  const auto current = load_le<std::uint32_t>(pair.image.bytes_at(field, 4).value(), 0);
  Bytes next(4);
  store_le<std::uint32_t>(next, 0, current + 1);
  const auto found = located(two, pair.altered(field, next), "two.o");
  REQUIRE(found.mismatches.size() == 1);
  CHECK(first_reason(found).find("motto: R_X86_64_PC32 to .LC0 must lead to 74 68 65 20") == 0);
}

TEST_CASE("a string that the linker kept as the tail of another unit's is still this unit's string") {
  test::Toolchain tools;
  const elf::Object one = tools.compile("one.c", kOne, {"-fpie"});
  const elf::Object two = tools.compile("two.c", kTwo, {"-fpie"});
  const auto image = elf::Image::make(tools.link("image", {"one.o", "two.o"}, {"-O2"}));
  REQUIRE(image);
  const auto found = located(one, *image, "one.o");
  CHECK(first_reason(found) == "");
  const auto of_two = address_of(two, located(two, *image, "two.o"), ".LC0");
  REQUIRE(of_two);
  const auto inside = [&](const std::optional<TargetAddr>& address) {
    return address && *address > *of_two && *address - *of_two < sizeof "the second is out of range";
  };
  CHECK(std::ranges::any_of(found.symbol_address, inside));
}

TEST_CASE("a unit built with another optimisation is reported function by function") {
  Pair pair;
  const elf::Object other = pair.tools.compile("one.c", kOne, {"-O1"});
  const auto found = located(other, pair.image, "one.o");
  CHECK(found.mismatches.size() >= 3);
  CHECK(std::ranges::any_of(found.mismatches, [](const prove::Mismatch& mismatch) { return mismatch.symbol == "pick"; }));
}

TEST_CASE("a function that only one of the two has is a difference, whichever it is") {
  Pair pair;
  const std::string more = std::string(kTwo) + "int three(void) { return 3; }\n";
  CHECK(first_reason(located(pair.tools.compile("two.c", more), pair.image, "two.o")) == "three: not in the image");
  const elf::Object less = pair.tools.compile("one.c", "int one(int x) { return x; }\n");
  const auto found = located(less, pair.image, "one.o");
  CHECK(std::ranges::any_of(found.mismatches, [](const prove::Mismatch& mismatch) {
    return mismatch.symbol == "helper" && mismatch.reason == "only in the image";
  }));
}

TEST_CASE("the functions of a unit that was not linked are absent, and nothing of it is placed") {
  Pair pair;
  const elf::Object three = pair.tools.compile("three.c", "int two(int x) { return x; }\n");
  const auto found = located(three, pair.image, "three.o");
  CHECK(found.mismatches.empty());
  CHECK(found.absent == std::vector<std::string>{"two"});
  CHECK(found.proven_functions == 0);
  CHECK_FALSE(address_of(three, found, "two"));
}

TEST_CASE("a weak function that lost against another unit's is absent, and calls of it lead to the other") {
  test::Toolchain tools;
  const elf::Object weak =
      tools.compile("weak.c", "__attribute__((weak,noinline)) int f(void) { return 1; }\nint g(void) { return f() + 1; }\n");
  (void)tools.compile("strong.c", "int f(void) { return 2; }\n");
  const auto image = elf::Image::make(tools.link("image", {"weak.o", "strong.o"}));
  REQUIRE(image);
  const auto found = located(weak, *image, "weak.o");
  CHECK(first_reason(found) == "");
  CHECK(found.absent == std::vector<std::string>{"f"});
  CHECK(address_of(weak, found, "f") == image->find_global("f")->address);
}

TEST_CASE("a weak function that lost is absent, too, where its code is in the image with the rest of its section") {
  test::Toolchain tools;
  const elf::Object weak =
      tools.compile("weak.c", "__attribute__((weak,noinline)) int f(void) { return 1; }\nint g(void) { return 7; }\n",
                    {"-fno-function-sections"});
  (void)tools.compile("strong.c", "int f(void) { return 2; }\n");
  const auto image = elf::Image::make(tools.link("image", {"weak.o", "strong.o"}));
  REQUIRE(image);
  const auto found = located(weak, *image, "weak.o");
  CHECK(first_reason(found) == "");
  CHECK(found.absent == std::vector<std::string>{"f"});
  CHECK(found.proven_functions == 1);
  CHECK(address_of(weak, found, "f") == image->find_global("f")->address);
}

TEST_CASE("weak functions that lost do not outvote the ones that tell where the section is") {
  test::Toolchain tools;
  const elf::Object weak = tools.compile("weak.c",
                                         "__attribute__((weak,noinline)) int f(void) { return 1; }\n"
                                         "__attribute__((weak,noinline)) int e(void) { return 3; }\nint g(void) { return 7; }\n",
                                         {"-fno-function-sections"});
  // They keep their distance there.
  (void)tools.compile("strong.c", "int f(void) { return 2; }\nint e(void) { return 4; }\n", {"-fno-function-sections"});
  const auto image = elf::Image::make(tools.link("image", {"weak.o", "strong.o"}));
  REQUIRE(image);
  const auto found = located(weak, *image, "weak.o");
  CHECK(first_reason(found) == "");
  CHECK(found.absent.size() == 2);
  CHECK(address_of(weak, found, "g") == image->find_global("g")->address);
}

TEST_CASE("debugging information changes nothing") {
  Pair pair;
  const elf::Object with_debug = pair.tools.compile("one.c", kOne, {"-g"});
  const auto found = located(with_debug, pair.image, "one.o");
  CHECK(first_reason(found) == "");
  CHECK(found.proven_functions == functions_of(pair.one));
}

TEST_CASE("the FILE symbol of the image may name the folder that the rebuilt object's leaves out") {
  test::Toolchain tools;
  (void)tools.compile("sub/one.c", kTwo);
  tools.tool({"objcopy", "--redefine-sym", "one.c=sub/one.c", "sub/one.o"});
  (void)tools.compile("one.c", "static int counter = 9;\nint *other(void) { return &counter; }\n");
  const auto image = elf::Image::make(tools.link("image", {"sub/one.o", "one.o"}));
  REQUIRE(image);
  const elf::Object plain = tools.compile("sub/one.c", kTwo, {"-g"});
  CHECK(first_reason(located(plain, *image, "sub/one.o")) == "");
}

TEST_CASE("assembler code without types and sizes is proven as well") {
  test::Toolchain tools;
  const elf::Object object =
      tools.compile("entry.S",
                    ".text\n.globl entry\nentry: push %rax\n call handler\n jmp back\nback: ret\n.section .note.GNU-stack\n"
                    ".data\nstate: .quad back, state\n");
  (void)tools.compile("handler.c", "void handler(void) {}\n");
  const auto image = elf::Image::make(tools.link("image", {"handler.o", "entry.o"}));
  REQUIRE(image);
  const auto found = located(object, *image, "entry.o");
  CHECK(first_reason(found) == "");
  CHECK(address_of(object, found, "handler") == image->find_global("handler")->address);
  CHECK(address_of(object, found, "entry") == image->find_global("entry")->address);
}

TEST_CASE("a table of records that nothing refers to is found by what it refers to, and altering it is found too") {
  Pair pair;
  const std::string source =
      std::string(kTwo) + "asm(\".pushsection .records, \\\"a\\\"; .long two - ., 11, two_too - ., 12; .popsection\");\n";
  const elf::Object two = pair.tools.compile("two.c", source);
  pair.image = elf::Image::make(pair.tools.link("image", {"one.o", "two.o"})).value();
  const auto table = two.find_section(".records");
  REQUIRE(table);
  const auto found = located(two, pair.image, "two.o");
  CHECK(first_reason(found) == "");
  const auto place = found.section_address[table->value()];
  REQUIRE(place);
  CHECK(first_reason(located(two, pair.altered(*place + 12, 13), "two.o")) == ".records: no place in the image has its content");
  CHECK_FALSE(located(two, pair.altered(*place + 9, 1), "two.o").mismatches.empty());
}

TEST_CASE("what the build writes anew is placed, and not compared") {
  Pair pair;
  const std::string source = std::string(kTwo) +
                             "asm(\".pushsection .ids, \\\"a\\\"; .type first_id, @object; first_id: .long 0; "
                             ".size first_id, 4; .popsection\"); extern const int first_id; int id(void) { return first_id; }\n";
  const elf::Object two = pair.tools.compile("two.c", source);
  pair.image = elf::Image::make(pair.tools.link("image", {"one.o", "two.o"})).value();
  const auto place = address_of(two, located(two, pair.image, "two.o"), "first_id");
  REQUIRE(place);
  const elf::Image filled_in = pair.altered(*place, 7);
  CHECK_FALSE(located(two, filled_in, "two.o").mismatches.empty());
  constexpr std::array<prove::LinkRule, 1> kRules = {{{".ids*", prove::LinkRole::kDerived, 0, {}, {}}}};
  const auto found = prove::locate(two, filled_in, "two.o", kRules);
  REQUIRE(found);
  CHECK(first_reason(*found) == "");
  CHECK(address_of(two, *found, "first_id") == place);
  // It does not count as proven.
  CHECK(found->proven_bytes + 4 == located(two, pair.image, "two.o").proven_bytes);
}

TEST_CASE("the record of an overridden function may be missing from a sorted table, and no other") {
  test::Toolchain tools;
  const auto table = [](const char* functions) {
    return std::string("asm(\".pushsection .calls, \\\"a\\\"; .quad ") + functions + "; .popsection\");\n";
  };
  const std::string code =
      "__attribute__((weak,noinline)) int f(void) { return 1; }\n__attribute__((noinline)) int g(void) { return 7; }\n";
  const elf::Object both = tools.compile("weak.c", code + table("f, g"), {"-fno-function-sections"});
  (void)tools.compile("strong.c", "int f(void) { return 2; }\n");
  constexpr std::array<prove::LinkRule, 1> kStrict = {{{".calls", prove::LinkRole::kSorted, 8, {}, {}}}};
  constexpr std::array<prove::LinkRule, 1> kDropping = {{{".calls", prove::LinkRole::kSorted, 8, {}, {}, true}}};
  const auto reason = [&](const char* kept, std::span<const prove::LinkRule> rules) {
    (void)tools.compile("weak.c", code + table(kept), {"-fno-function-sections"});
    const auto image = elf::Image::make(tools.link("image", {"weak.o", "strong.o"}));
    REQUIRE(image);
    const auto found = prove::locate(both, *image, "weak.o", rules);
    REQUIRE(found);
    return first_reason(*found);
  };
  // As sorttable leaves it: the record's place is there, and holds nothing. The record of f leads to the weak one's own code.
  CHECK(reason("0, g", kDropping) == "");
  CHECK(reason("0, g", kStrict) == ".calls: no record of the image's table is this one");
  CHECK(reason("0, 0", kDropping) == ".calls: no record of the image's table is this one");
}

TEST_CASE("a unit compiled through a link from another folder is known by its local functions") {
  test::Toolchain tools;
  for (const char* name : {"here/unit.c", "there/unit.c"}) {
    (void)tools.compile(name, name[0] == 'h' ? kTwo
                                             : "static __attribute__((noinline)) int own(int x) { return x * 9; }\n"
                                               "int other(int x) { return own(x) + 1; }\n");
    tools.tool({"objcopy", "--redefine-sym", std::string("unit.c=") + name,
                std::filesystem::path(name).replace_extension(".o").string()});
  }
  const auto image = elf::Image::make(tools.link("image", {"here/unit.o", "there/unit.o"}));
  REQUIRE(image);
  const elf::Object linked = tools.compile("elsewhere/unit.c", kTwo);
  const auto found = located(linked, *image, "elsewhere/unit.o");
  CHECK(first_reason(found) == "");
  CHECK(found.proven_functions == functions_of(linked));
}

TEST_CASE("a linked file cannot be located") {
  const Pair pair;
  const auto result = prove::locate(pair.image.object(), pair.image, "image");
  REQUIRE_FALSE(result);
  CHECK(result.error().code() == Errc::kInvalid);
}

TEST_CASE("a corrupted object is refused, or differs, or is proven, but nothing crashes") {
  const Pair pair;
  const ByteView whole = pair.one.bytes();
  std::size_t compared = 0;
  for (std::size_t at = 0; at < whole.size(); at += 7) {
    Bytes bytes(whole.begin(), whole.end());
    bytes[at] ^= std::byte{0xa5};
    const auto object = elf::parse_object(std::move(bytes), "corrupted");
    if (!object) continue;
    compared += prove::locate(*object, pair.image, "one.o").has_value() ? 1U : 0U;
  }
  CHECK(compared > 100);
}

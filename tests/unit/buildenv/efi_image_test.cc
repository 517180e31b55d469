// SPDX-License-Identifier: GPL-2.0-or-later
#include <elf.h>

#include <doctest/doctest.h>

#include "buildenv/efi_image.h"
#include "common/elf/image.h"
#include "common/elf/object_builder.h"
#include "tests/support/pe_file.h"

namespace hotpatch::buildenv {
namespace {

using test::kPeBase;
using test::kPeExternal;
using test::kPeFile;
using test::kPeStatic;
using test::PeFileSymbol;

/// Two files with statics of the same name, which COFF tells apart by their order alone, and the symbol table's own. The second file's
/// last one is data, 4 bytes behind where xen-syms has the beginning of another section.
std::vector<PeFileSymbol> efi_symbols_of_sample() {
  return {{"common/bitmap.c", 0, 0, kPeFile},
          {"lock", 0, 1, kPeStatic},
          {"common/bitmap_two.c", 0, 0, kPeFile},
          {"lock", 16, 1, kPeStatic},
          {"lock", 32, 1, kPeStatic},
          {".xen.efi.1.S", 0, 0, kPeFile},
          {"counter", 8, 3, kPeExternal},
          {"__subsystem__", 10, -1, kPeExternal}};
}

elf::PeImage efi(std::vector<PeFileSymbol> symbols) {
  auto image = elf::PeImage::parse(test::PeFile(std::move(symbols)).bytes(), "xen.efi");
  REQUIRE(image);
  return *std::move(image);
}

elf::Object linked(bool with_counter = true) {
  elf::ObjectBuilder builder;
  const auto text =
      builder.add_section({.name = ".text", .flags = SHF_ALLOC | SHF_EXECINSTR, .contents = Bytes(64), .address = 0x5000});
  const auto data = builder.add_section({.name = ".init.data", .flags = SHF_ALLOC, .contents = Bytes(64), .address = 0x6000});
  const auto add = [&](std::string name, elf::SymbolBinding binding, elf::SymbolType type, std::uint64_t size) {
    const bool is_file = type == elf::SymbolType::kFile;
    builder.add_symbol({.name = std::move(name),
                        .binding = binding,
                        .type = type,
                        .place = is_file ? elf::SymbolPlace::kAbsolute : elf::SymbolPlace::kSection,
                        .section = is_file      ? elf::SectionIndex()
                                   : size == 13 ? data
                                                : text,
                        .value = is_file      ? 0U
                                 : size == 13 ? 0x6004U
                                              : 0x5000U,
                        .size = size});
  };
  add("common/bitmap.c", elf::SymbolBinding::kLocal, elf::SymbolType::kFile, 0);
  add("lock", elf::SymbolBinding::kLocal, elf::SymbolType::kFunction, 11);
  add("common/bitmap_two.c", elf::SymbolBinding::kLocal, elf::SymbolType::kFile, 0);
  add("lock", elf::SymbolBinding::kLocal, elf::SymbolType::kFunction, 12);
  add("lock", elf::SymbolBinding::kLocal, elf::SymbolType::kObject, 13);
  add(".xen-syms.1.S", elf::SymbolBinding::kLocal, elf::SymbolType::kFile, 0);
  if (with_counter) add("counter", elf::SymbolBinding::kWeak, elf::SymbolType::kObject, 4);
  add("__only_here", elf::SymbolBinding::kGlobal, elf::SymbolType::kNone, 0);
  auto file = builder.write(elf::FileType::kExecutable);
  REQUIRE(file);
  auto object = elf::parse_object(*std::move(file), "xen-syms");
  REQUIRE_MESSAGE(object, (object ? "" : object.error().message()));
  CHECK(object->type() == elf::FileType::kExecutable);
  return *std::move(object);
}

TEST_CASE("addresses and bytes are xen.efi's, names, sizes and types those of xen-syms") {
  const auto file = efi_symbols(efi(efi_symbols_of_sample()), linked());
  REQUIRE_MESSAGE(file, (file ? "" : file.error().message()));
  auto object = elf::parse_object(*file, "xen-efi-syms");
  REQUIRE_MESSAGE(object, (object ? "" : object.error().message()));
  const auto image = elf::Image::make(*std::move(object));
  REQUIRE_MESSAGE(image, (image ? "" : image.error().message()));
  CHECK(image->build_id().text() == "000102030405060708090a0b0c0d0e0f");

  const auto first = image->find_local("common/bitmap.c", "lock");  // COFF has "common/bitmap."
  REQUIRE(first.size() == 1);
  CHECK(first[0]->address == TargetAddr(kPeBase + 0x1000));
  CHECK(first[0]->size == 11);
  const auto second = image->find_local("common/bitmap_two.c", "lock");
  REQUIRE(second.size() == 2);
  CHECK(second[0]->address == TargetAddr(kPeBase + 0x1010));
  CHECK(second[0]->size == 12);
  CHECK(second[0]->type == elf::SymbolType::kFunction);
  CHECK(second[1]->size == 13);
  CHECK(second[1]->type == elf::SymbolType::kObject);
  const elf::Section& init = image->object().section(second[1]->section);
  CHECK(init.name == ".init.data");
  CHECK(init.address == kPeBase + 0x1000 + 28);
  CHECK(init.size == 60 - 28);
  CHECK_FALSE(init.is_executable());
  CHECK(image->object().section(second[0]->section).is_executable());
  CHECK(image->object().section(second[0]->section).size == 28);
  const auto* counter = image->find_global("counter");
  REQUIRE(counter != nullptr);
  CHECK(counter->address == TargetAddr(kPeBase + 0x3008));
  CHECK(counter->binding == elf::SymbolBinding::kWeak);
  CHECK(image->address_of("__subsystem__") == TargetAddr(10));

  const auto code = image->bytes_at(TargetAddr(kPeBase + 0x1010), 4);
  REQUIRE(code);
  CHECK(hex_bytes(*code) == "90 90 90 90");
  CHECK_FALSE(image->bytes_at(TargetAddr(kPeBase + 0x3008), 4).has_value());  // nothing is there before it runs
}

TEST_CASE("images that are not of one build are refused by the first symbol that tells") {
  const auto refused = [](std::vector<PeFileSymbol> symbols, const elf::Object& other) {
    const auto file = efi_symbols(efi(std::move(symbols)), other);
    REQUIRE_FALSE(file.has_value());
    CHECK(file.error().code() == Errc::kInvalid);
    return file.error().message();
  };
  auto symbols = efi_symbols_of_sample();
  symbols[3].name = "unlock";
  CHECK(refused(symbols, linked()).find("'lock', where the first has 'unlock'") != std::string::npos);
  symbols = efi_symbols_of_sample();
  symbols[0].name = "common/b.c";
  CHECK(refused(symbols, linked()).find("'common/bitmap.c', where the first has 'common/b.c'") != std::string::npos);
  symbols = efi_symbols_of_sample();
  symbols.erase(symbols.begin() + 5);
  CHECK(refused(symbols, linked()).find("where the first has no more") != std::string::npos);
  symbols = efi_symbols_of_sample();
  symbols.push_back({"lock", 0, 1, kPeStatic});
  CHECK(refused(symbols, linked()).find("where the second has no more") != std::string::npos);
  symbols = efi_symbols_of_sample();
  symbols.erase(symbols.begin() + 6);
  CHECK(refused(symbols, linked()).find("lacks 'counter'") != std::string::npos);
  CHECK(refused({}, linked()).find("has no symbols") != std::string::npos);
  CHECK(efi_symbols(efi(symbols), linked(false)).has_value());
}

}  // namespace
}  // namespace hotpatch::buildenv

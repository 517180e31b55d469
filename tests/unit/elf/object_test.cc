// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/elf/object.h"

#include <doctest/doctest.h>

#include <filesystem>

#include "common/elf/image.h"
#include "common/support/file.h"

using namespace hotpatch;

TEST_CASE("64 zero bytes are not an ELF file") {
  const auto object = elf::parse_object(Bytes(64), "zeros");
  REQUIRE_FALSE(object);
  CHECK(object.error().code() == Errc::kMalformed);
}

TEST_CASE("this very program is read as a linked image whose main can be found by name and by address") {
  auto object = elf::read_object("/proc/self/exe");
  if (!object && object.error().code() == Errc::kInvalid)
    object = elf::read_object(std::filesystem::read_symlink("/proc/self/exe"));
  REQUIRE(object);
  const auto image = elf::Image::make(std::move(*object));
  REQUIRE(image);
  const elf::ImageSymbol* symbol = image->find_global("main");
  REQUIRE(symbol != nullptr);
  CHECK(symbol->type == elf::SymbolType::kFunction);
  CHECK(image->symbol_at(symbol->address + 1)->name == "main");
  CHECK(image->bytes_at(symbol->address, symbol->size).has_value());
}

TEST_CASE("every truncation of an ELF file is refused or read, never a crash") {
  const auto whole = read_file(std::filesystem::read_symlink("/proc/self/exe"));
  REQUIRE(whole);
  unsigned refused = 0;
  for (std::size_t size = 0; size < whole->size(); size += 1 + whole->size() / 97) {
    Bytes part(whole->begin(), whole->begin() + static_cast<std::ptrdiff_t>(size));
    refused += elf::parse_object(std::move(part), "part") ? 0U : 1U;
  }
  CHECK(refused > 90);
}

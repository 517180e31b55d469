// SPDX-License-Identifier: GPL-2.0-or-later
//
// A small PE32+ file with a COFF symbol table, as GNU ld would write it: for the tests of what reads one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/support/bytes.h"

namespace hotpatch::test {

inline constexpr std::uint64_t kPeBase = 0xffff82d040000000;
inline constexpr std::string_view kPeLongName = ".bss.with_a_long_name";
inline constexpr std::uint8_t kPeExternal = 2;
inline constexpr std::uint8_t kPeStatic = 3;
inline constexpr std::uint8_t kPeFile = 103;

struct PeFileSymbol {
  std::string name;
  std::uint32_t value = 0;  // from the start of its section
  std::int16_t section = 0;
  std::uint8_t storage_class = kPeStatic;
};

/// Three sections: 1 ".text" of 64 bytes 0x90 at kPeBase + 0x1000, 2 ".rodata" at 0x2000 with the debug directory in front, whose
/// CodeView record has the GUID 00 01 … 0f, 3 kPeLongName of 0x100 bytes at 0x3000, discardable, of which the file has nothing.
class PeFile {
 public:
  explicit PeFile(std::vector<PeFileSymbol> symbols) : symbols_(std::move(symbols)) {}

  [[nodiscard]] Bytes bytes() const {
    ByteWriter writer;
    writer.write_bytes(as_byte_view("MZ"));
    while (writer.size() < 0x3c) writer.write<std::uint8_t>(0);
    writer.write<std::uint32_t>(0x40);
    writer.write_bytes(as_byte_view(std::string_view("PE\0\0", 4)));
    writer.write<std::uint16_t>(0x8664);
    writer.write<std::uint16_t>(3);
    writer.write<std::uint32_t>(0);
    constexpr std::uint32_t kOptionalSize = 112 + 16 * 8;
    constexpr std::uint32_t kTextAt = 0x40 + 24 + kOptionalSize + 3 * 40;
    constexpr std::uint32_t kRodataAt = kTextAt + 64;
    constexpr std::uint32_t kRodataSize = 64;
    writer.write(kRodataAt + kRodataSize);
    const auto [table, count, strings] = symbol_table();
    writer.write(count);
    writer.write(static_cast<std::uint16_t>(kOptionalSize));
    writer.write<std::uint16_t>(0x226);
    const std::size_t optional_at = writer.size();
    writer.write<std::uint16_t>(0x20b);
    while (writer.size() < optional_at + 24) writer.write<std::uint8_t>(0);
    writer.write(kPeBase);
    while (writer.size() < optional_at + 108) writer.write<std::uint8_t>(0);
    writer.write<std::uint32_t>(16);
    while (writer.size() < optional_at + 112 + 6 * 8) writer.write<std::uint8_t>(0);
    writer.write<std::uint32_t>(0x2000);  // the debug directory
    writer.write<std::uint32_t>(28);
    while (writer.size() < optional_at + kOptionalSize) writer.write<std::uint8_t>(0);
    write_section(writer, ".text", 60, 0x1000, 64, kTextAt, 0xe0000020);
    write_section(writer, ".rodata", kRodataSize, 0x2000, kRodataSize, kRodataAt, 0x40000040);
    write_section(writer, "/" + std::to_string(strings.size() + 4), 0x100, 0x3000, 0, 0, 0xc2000080);
    for (int i = 0; i < 64; ++i) writer.write<std::uint8_t>(0x90);
    for (const std::uint32_t word : {0U, 0U, 0U, 2U, 24U, 0x2000U + 28, kRodataAt + 28}) writer.write(word);
    writer.write_bytes(as_byte_view("RSDS"));
    for (std::uint8_t i = 0; i < 16; ++i) writer.write(i);
    while (writer.size() < kRodataAt + kRodataSize) writer.write<std::uint8_t>(0);
    writer.write_bytes(table);
    const std::string all = strings + std::string(kPeLongName) + '\0';
    writer.write(static_cast<std::uint32_t>(all.size() + 4));
    writer.write_bytes(as_byte_view(all));
    return std::move(writer).take();
  }

 private:
  struct SymbolTable {
    Bytes records;
    std::uint32_t count = 0;
    std::string strings;
  };

  static void write_padded(ByteWriter& writer, std::string_view text, std::size_t size) {
    std::string field(text);
    field.resize(size, '\0');
    writer.write_bytes(as_byte_view(field));
  }
  static void write_name(ByteWriter& writer, const std::string& name, std::size_t room, std::string& strings) {
    if (name.size() <= room) return write_padded(writer, name, room);
    writer.write<std::uint32_t>(0);
    writer.write(static_cast<std::uint32_t>(strings.size() + 4));
    write_padded(writer, "", room - 8);
    strings += name + '\0';
  }
  [[nodiscard]] SymbolTable symbol_table() const {
    SymbolTable table;
    ByteWriter writer;
    for (const PeFileSymbol& symbol : symbols_) {
      const bool is_file = symbol.storage_class == kPeFile;
      write_name(writer, is_file ? ".file" : symbol.name, 8, table.strings);
      writer.write(symbol.value);
      writer.write<std::int16_t>(is_file ? std::int16_t{-2} : symbol.section);
      writer.write<std::uint16_t>(0);
      writer.write(symbol.storage_class);
      writer.write<std::uint8_t>(is_file ? 1 : 0);
      table.count += is_file ? 2 : 1;
      if (!is_file) continue;
      const bool is_cut = symbol.name.size() > 14 && symbol.name.size() <= 18;  // as GNU ld does
      write_name(writer, is_cut ? symbol.name.substr(0, 14) : symbol.name, 18, table.strings);
    }
    table.records = std::move(writer).take();
    return table;
  }
  static void write_section(ByteWriter& writer, std::string_view name, std::uint32_t size, std::uint32_t rva,
                            std::uint32_t raw_size, std::uint32_t raw_at, std::uint32_t flags) {
    write_padded(writer, name, 8);
    for (const std::uint32_t word : {size, rva, raw_size, raw_at, 0U, 0U, 0U, flags}) writer.write(word);
  }

  std::vector<PeFileSymbol> symbols_;
};

}  // namespace hotpatch::test

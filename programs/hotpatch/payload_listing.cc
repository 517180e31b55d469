// SPDX-License-Identifier: GPL-2.0-or-later
//
// The code of a payload and of an image, where references are addresses: each is named by the symbol or the string that is there.
#include <algorithm>
#include <cstring>
#include <functional>
#include <map>

#include "common/target/fixup.h"
#include "programs/hotpatch/side_by_side.h"

namespace hotpatch::cli {
namespace {

/// Names what is at an address; empty: nothing is known of it.
using Namer = std::function<std::string(std::uint64_t)>;

/// The string that begins there, in quotes; empty if what is there does not look like one.
std::string quoted(ByteView bytes) {
  constexpr std::size_t kShortest = 3;
  constexpr std::size_t kMost = 60;
  std::string text;
  for (const std::byte byte : bytes) {
    const auto c = static_cast<unsigned char>(byte);
    if (c == 0) return text.size() < kShortest ? std::string() : "\"" + text.substr(0, kMost) + "\"";
    if (c == '\n') {
      text += "\\n";
    } else if (c >= 0x20 && c < 0x7f) {
      text += static_cast<char>(c);
    } else {
      return {};
    }
  }
  return {};
}

std::string name_in_image(const elf::Image& image, std::uint64_t address) {
  const auto section = image.section_at(TargetAddr(address));
  if (!section) return {};
  const elf::Section& where = image.object().section(*section);
  const elf::ImageSymbol* symbol = image.symbol_at(TargetAddr(address));
  const bool is_inside = symbol != nullptr && symbol->address.value() + std::max<std::uint64_t>(symbol->size, 1) > address;
  if (!is_inside && !where.is_executable() && !where.is_nobits()) {
    const std::uint64_t at = address - where.address;
    if (std::string text = at < where.contents.size() ? quoted(where.contents.subspan(at)) : std::string(); !text.empty())
      return text;
  }
  if (symbol == nullptr) return std::string(where.name) + "+" + hex(address - where.address);
  const std::uint64_t offset = address - symbol->address.value();
  return std::string(symbol->name) + (offset != 0 ? "+" + std::to_string(offset) : "");
}

std::string name_in_payload(const elf::Object& object, const xen::PayloadLayout& layout, std::uint64_t address) {
  for (const xen::SectionLayout& placed : layout.sections) {
    const elf::Section& section = object.section(placed.section);
    if (address < placed.offset || address >= placed.offset + section.size) continue;
    const std::uint64_t at = address - placed.offset;
    for (const elf::Symbol& symbol : object.symbols())
      if (symbol.place == elf::SymbolPlace::kSection && symbol.section == placed.section &&
          symbol.type != elf::SymbolType::kSection && symbol.value <= at &&
          at < symbol.value + std::max<std::uint64_t>(symbol.size, 1) && !symbol.name.empty())
        return std::string(symbol.name) + (at != symbol.value ? "+" + std::to_string(at - symbol.value) : "");
    if (!section.is_executable() && !section.is_nobits())
      if (std::string text = quoted(section.contents.subspan(at)); !text.empty()) return text;
    return std::string(section.name) + "+" + hex(at);
  }
  return {};
}

struct Code {
  ByteView bytes;
  std::uint64_t address = 0;                       // of the first byte
  std::map<std::uint64_t, std::string> relocated;  // by offset of the field: what it will refer to
};

std::vector<ListingLine> list_code(const Code& code, const Namer& name, target::Decoder& decoder) {
  std::vector<ListingLine> product;
  for (const target::Instruction& instruction : decoder.decode(code.bytes)) {
    ListingLine line;
    line.offset = instruction.offset;
    line.bytes = hex_bytes(code.bytes.subspan(instruction.offset, instruction.length));
    line.text = decoder.print(code.bytes.subspan(instruction.offset), instruction.offset);
    Bytes bytes(code.bytes.begin() + instruction.offset, code.bytes.begin() + instruction.end());
    const auto take = [&](const target::OperandField& field, std::string operand) {
      std::fill_n(bytes.begin() + field.offset, field.size, std::byte{0});
      line.operand = std::move(operand);
    };
    const bool is_local =
        instruction.target && *instruction.target >= 0 && *instruction.target < static_cast<std::int64_t>(code.bytes.size());
    for (std::uint8_t i = 0; i < instruction.field_count; ++i) {
      const target::OperandField& field = instruction.fields[i];
      const auto relocated = code.relocated.find(instruction.offset + field.offset);
      if (relocated != code.relocated.end()) {
        take(field, relocated->second);
      } else if (instruction.target && !is_local && instruction.flow != target::Flow::kNext) {
        take(field, name(code.address + static_cast<std::uint64_t>(*instruction.target)));
      } else if (i == 0 && field.size == 4 && line.text.find("(%rip)") != std::string::npos) {
        const auto displacement =
            static_cast<std::int32_t>(load_le<std::uint32_t>(code.bytes, instruction.offset + field.offset));
        take(field, name(code.address + instruction.end() + static_cast<std::uint64_t>(std::int64_t{displacement})));
      }
    }
    if (is_local && line.operand.empty() && instruction.flow != target::Flow::kNext) {
      line.branch_to = static_cast<std::uint64_t>(*instruction.target);
      line.canonical =
          "branch " + std::to_string(static_cast<int>(instruction.flow)) + " " + std::to_string(instruction.branch_condition);
    } else {
      line.canonical = hex_bytes(bytes) + " " + line.operand;
    }
    product.push_back(std::move(line));
  }
  return product;
}

Code payload_code(const elf::Object& object, const xen::PayloadLayout& layout, const xen::PayloadPlace& place, std::uint64_t size,
                  const elf::Image* image) {
  Code code;
  const elf::Section& section = object.section(place.section);
  if (place.offset > section.contents.size()) return code;
  code.bytes = section.contents.subspan(place.offset, std::min<std::uint64_t>(size, section.contents.size() - place.offset));
  code.address = layout.offset_of(place.section).value_or(0) + place.offset;
  for (const elf::Relocation& relocation : section.relocations) {
    if (relocation.offset < place.offset || relocation.offset >= place.offset + code.bytes.size()) continue;
    const elf::Symbol& symbol = object.symbol(relocation.symbol);
    const auto kind = target::fixup_kind(relocation.type);
    // What the CPU counts from is the instruction's end, nearly always that of the field.
    const std::int64_t addend = relocation.addend + (kind && target::is_pc_relative(*kind) ? 4 : 0);
    std::string text(symbol.name);
    if (symbol.place == elf::SymbolPlace::kAbsolute && image != nullptr) {
      text = name_in_image(*image, symbol.value + static_cast<std::uint64_t>(addend));
    } else if (symbol.place == elf::SymbolPlace::kSection) {
      text = name_in_payload(object, layout,
                             layout.offset_of(symbol.section).value_or(0) + symbol.value + static_cast<std::uint64_t>(addend));
    } else if (addend != 0) {
      text += (addend > 0 ? "+" : "") + std::to_string(addend);
    }
    code.relocated[relocation.offset - place.offset] = std::move(text);
  }
  return code;
}

}  // namespace

std::vector<SideBySide> list_payload(const elf::Object& object, const xen::PayloadInfo& payload, const elf::Image* image,
                                     target::Decoder& decoder) {
  std::vector<SideBySide> product;
  for (const xen::PayloadFunction& function : payload.functions) {
    SideBySide added;
    added.name = function.name;
    added.verdict = "changed";
    added.reason = "spliced at " + hex(function.old_addr.value());
    added.patched_title =
        function.name + ", " + std::to_string(function.new_size) + (function.new_place ? " bytes" : " bytes of NOPs");
    if (function.new_place) {
      const Code code = payload_code(object, payload.layout, *function.new_place, function.new_size, image);
      const Namer name = [&](std::uint64_t address) { return name_in_payload(object, payload.layout, address); };
      added.patched = list_code(code, name, decoder);
    } else {
      added.reason = "its first " + std::to_string(function.new_size) + " bytes become NOPs";
    }
    if (image != nullptr) {
      added.original_title =
          function.name + ", " + std::to_string(function.old_size) + " bytes at " + hex(function.old_addr.value());
      if (const auto bytes = image->bytes_at(function.old_addr, function.old_size)) {
        const Code code{*bytes, function.old_addr.value(), {}};
        added.original = list_code(code, [&](std::uint64_t address) { return name_in_image(*image, address); }, decoder);
      } else {
        added.original_title += ", which the image does not hold";
      }
    }
    added.rows = align(added.original, added.patched);
    product.push_back(std::move(added));
  }
  return product;
}

}  // namespace hotpatch::cli

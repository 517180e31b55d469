// SPDX-License-Identifier: GPL-2.0-or-later
//
// The gates of the consistency "kernel" (gate.h), and the code of the kernel that no thread may be in when they open.
#include <algorithm>
#include <charconv>

#include "linux/module/linker.h"

namespace hotpatch::kernel {
namespace {

constexpr std::uint64_t kCallSize = 5;
constexpr auto kRelative = target::FixupKind::kPcRel32;
constexpr std::byte kJump32{0xe9};
constexpr std::byte kTwoBytes{0x0f};

/// Whether any byte of the code begins a jump with a 32-bit displacement to `destination`. What is no instruction does not lead there.
bool jumps_to(ByteView code, TargetAddr begin, TargetAddr destination) {
  for (std::size_t at = 0; at + 6 <= code.size(); ++at) {
    std::size_t field = 0;
    if (code[at] == kJump32) field = at + 1;
    if (code[at] == kTwoBytes && (std::to_integer<unsigned>(code[at + 1]) & 0xf0U) == 0x80U) field = at + 2;
    if (field == 0 || field + 4 > code.size()) continue;
    const auto displacement = static_cast<std::uint64_t>(static_cast<std::int64_t>(load_le<std::int32_t>(code, field)));
    if (begin + (field + 4 + displacement) == destination) return true;
  }
  return false;
}

}  // namespace

Result<> Linker::list_ranges() {
  for (const Replacement& function : functions_) {
    const std::string& owner = function.original.owner;
    ranges_.push_back({.description = {.name = function.original.name, .size = function.original_size},
                       .begin = function.original,
                       .owner = owner});
    HP_ASSIGN(const OwnerSymbols* symbols, owners_.of(owner));
    std::vector<std::uint64_t> sizes;
    const std::vector<KernelPlace> parts = cold_parts(function, *symbols, sizes);
    for (std::size_t i = 0; i < parts.size(); ++i)
      ranges_.push_back({.description = {.name = parts[i].name, .size = sizes[i]}, .begin = parts[i], .owner = owner});
  }
  return {};
}

std::vector<KernelPlace> Linker::cold_parts(const Replacement& function, const OwnerSymbols& symbols,
                                            std::vector<std::uint64_t>& sizes) const {
  std::vector<KernelPlace> parts;
  const auto code = symbols.image().bytes_at(function.original.address, function.original_size);
  for (const elf::ImageSymbol* symbol : symbols.image().find(function.original.name + ".cold")) {
    if (!code || !jumps_to(*code, function.original.address, symbol->address)) continue;
    const auto identity = symbols.identify(symbol->address, symbol->name);
    if (!identity || identity->offset != 0) continue;
    parts.push_back({.owner = function.original.owner,
                     .name = std::string(identity->name),
                     .position = KernelPlace::position_for(function.original.owner, identity->position),
                     .address = symbol->address});
    sizes.push_back(symbol->size);
  }
  return parts;
}

Placement Linker::add_gate(const Replacement& function) {
  const std::size_t text = output_.index_of(".text");
  const Placement gate = output_.append(text, kGateCode, 0, 16);
  const auto live = merged_definition(kLiveSymbol);
  HP_CHECK(live.has_value(), "a wrapper with gates has the byte that opens them");
  refer_inside({.section = text, .offset = gate.offset + kGateLiveField}, kRelative, *live, -5);
  const auto symbols = owners_.of(function.original.owner);
  HP_CHECK(symbols.has_value(), "the owner of a bound function is open");
  // Behind the tracer's call, which would lead back here.
  KernelPlace behind = function.original;
  const std::uint64_t distance = *(*symbols)->call_site(behind.address) - behind.address + kCallSize;
  behind.offset = distance;
  behind.address = behind.address + distance;
  refer_outside({.section = text, .offset = gate.offset + kGateOldField}, kRelative, behind, -4, function.original.owner);
  add_unwind_record(gate, entry_unwind_record());
  return gate;
}

Placement Linker::entry_of(const Replacement& function) const {
  Placement entry = placed_.at(function.block);
  entry.offset += units_[function.block.unit].patch->blocks[function.block.block.value()].prefix_size;
  return entry;
}

std::optional<Placement> Linker::gate_symbol(std::string_view name) const {
  if (options_.consistency != Consistency::kKernel || functions_.empty()) return std::nullopt;
  const std::size_t text = output_.index_of(".text");
  if (name == kTextEnd) return Placement{.section = text, .offset = output_.sections()[text].contents.size()};
  if (name != kTextBegin) return std::nullopt;
  std::uint64_t first = output_.sections()[text].contents.size();
  for (const Replacement& function : functions_) first = std::min(first, function.gate->offset);
  return Placement{.section = text, .offset = first};
}

}  // namespace hotpatch::kernel

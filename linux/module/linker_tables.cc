// SPDX-License-Identifier: GPL-2.0-or-later
//
// Side tables. The extractor has kept the records of the functions that are here; what is left to decide is what a record means whose key
// belongs to a module.
//
// The kernel reads __jump_table and .static_call_sites when the livepatch module is loaded, at which time the patched module need not be
// there, and it follows keys of modules when those go. So such a record cannot stay:
//   static call:   the call leads to the module's own trampoline, which the kernel keeps up to date. The record is dropped.
//   static branch: the site becomes a jump to a stub that reads the key: "cmpl $0, key; jne or je target; jmp back". The compiler takes
//                  the flags for clobbered there (an asm goto does clobber them on x86).
//   dynamic debug: the key is in a descriptor of the module's. The branch gets one of our own, with the same texts: whoever switches on
//                  messages by file, function or line switches on both.
#include <algorithm>
#include <array>

#include "linux/module/linker.h"

namespace hotpatch::kernel {
namespace {

constexpr std::string_view kBranches = "__jump_table";
constexpr std::string_view kCalls = ".static_call_sites";
constexpr std::string_view kDescriptors = "__dyndbg";
constexpr std::string_view kUnwindPlaces = ".orc_unwind_ip";
constexpr std::string_view kUnwindRecords = ".orc_unwind";

/// include/linux/jump_label.h: the low bits of an entry's key. Bit 0 says which way the branch is when the key is off.
constexpr std::int64_t kKeyFlags = 3;
constexpr std::int64_t kKeyIsBranch = 1;

constexpr std::array<std::byte, 5> kNop5 = {std::byte{0x0f}, std::byte{0x1f}, std::byte{0x44}, std::byte{0}, std::byte{0}};
constexpr std::byte kJump32{0xe9};

/// cmpl $0, key(%rip); jne or je target; jmp back
constexpr std::array<std::byte, 18> kBranchStub = {
    std::byte{0x83}, std::byte{0x3d}, std::byte{0},    std::byte{0}, std::byte{0}, std::byte{0},
    std::byte{0},    std::byte{0x0f}, std::byte{0x85}, std::byte{0}, std::byte{0}, std::byte{0},
    std::byte{0},    std::byte{0xe9}, std::byte{0},    std::byte{0}, std::byte{0}, std::byte{0}};
constexpr std::uint64_t kKeyField = 2;
constexpr std::uint64_t kConditionByte = 8;
constexpr std::uint64_t kTargetField = 9;
constexpr std::uint64_t kBackField = 14;
constexpr std::byte kJumpIfEqual{0x84};

const extract::Block* find_table(const extract::PatchObject& patch, std::string_view section) {
  for (const extract::Block& block : patch.blocks)
    if (block.kind == extract::BlockKind::kTable && block.section == section) return &block;
  return nullptr;
}

}  // namespace

void Linker::place_tables() {
  for (std::size_t unit = 0; unit < units_.size(); ++unit) {
    const extract::PatchObject& patch = *units_[unit].patch;
    const extract::Block* places = find_table(patch, kUnwindPlaces);
    const extract::Block* records = find_table(patch, kUnwindRecords);
    if (places != nullptr || records != nullptr) {
      const std::size_t count = places == nullptr ? 0 : places->contents.size() / sizeof(std::uint32_t);
      const bool is_whole = count != 0 && records != nullptr && records->contents.size() % count == 0;
      HP_CHECK(is_whole, "the unwinder's two tables have one record each for a place");
    }
    for (std::size_t number = 0; number < patch.blocks.size(); ++number)
      if (patch.blocks[number].kind == extract::BlockKind::kTable) place_table(unit, extract::BlockIndex(number));
  }
}

void Linker::place_table(std::size_t unit, extract::BlockIndex number) {
  const extract::Block& table = units_[unit].patch->blocks[number.value()];
  const target::SpecialSection* format = record_format(table.section, target_.record_sizes);
  const auto section = output_.section_for(table);
  if (format == nullptr || !section) {
    refuse("HP104-unknown-section", unit, table, "table " + table.section + " is one that a livepatch module cannot bring",
           "leave what needs it out of the patch");
    return;
  }
  for (std::size_t record = 0; record < table.contents.size() / format->record_size; ++record) {
    std::optional<Placement> own_key;
    if (const KernelPlace* key = module_key(unit, table, record)) {
      if (table.section == kBranches) own_key = copied_descriptor(*key);
      if (table.section == kBranches && !own_key) (void)convert_branch(unit, table, record, *key);
      if (!own_key) continue;
    }
    const std::uint64_t begin = record * format->record_size;
    const Placement place =
        output_.append(*section, ByteView(table.contents).subspan(begin, format->record_size), 0, table.alignment);
    // Of the other tables every record is here, one behind the other: code may hold the address of one.
    if (record == 0 && table.section != kBranches && table.section != kCalls)
      placed_.emplace(BlockRef{.unit = unit, .block = number}, place);
    for (const extract::Fixup& fixup : table.fixups) {
      if (fixup.offset < begin || fixup.offset >= begin + format->record_size) continue;
      const Placement at{.section = place.section, .offset = place.offset + fixup.offset - begin};
      if (own_key && fixup.offset == begin + field_of(*format, target::FieldKind::kKey)->offset) {
        refer_inside(at, fixup.kind, *own_key, fixup.addend);
      } else {
        apply(unit, number, at, fixup);
      }
    }
  }
}

const KernelPlace* Linker::module_key(std::size_t unit, const extract::Block& table, std::size_t record) const {
  if (table.section != kBranches && table.section != kCalls) return nullptr;
  const target::SpecialSection* format = record_format(table.section, target_.record_sizes);
  const target::Field* field = field_of(*format, target::FieldKind::kKey);
  const extract::Fixup* fixup = field == nullptr ? nullptr : field_fixup(table, *format, record, *field);
  const auto* external = fixup == nullptr ? nullptr : std::get_if<extract::ExternalIndex>(&fixup->target);
  if (external == nullptr) return nullptr;
  const Bound& bound = bindings_.of(unit, *external);
  return bound.place && bound.place->owner != kKernelOwner ? &*bound.place : nullptr;
}

std::optional<Placement> Linker::copied_descriptor(const KernelPlace& key) {
  const auto known = descriptors_.find({key.owner, key.address});
  if (known != descriptors_.end()) return known->second;
  const auto symbols = owners_.of(key.owner);
  HP_CHECK(symbols.has_value(), "the owner of a bound place is open");
  const elf::Image& image = (*symbols)->image();
  const auto section = image.section_at(key.address);
  const elf::ImageSymbol* symbol = image.symbol_at(key.address);
  if (!section || image.object().section(*section).name != kDescriptors || symbol == nullptr || symbol->address != key.address)
    return std::nullopt;
  const auto bytes = image.bytes_at(symbol->address, symbol->size);
  if (!bytes) return std::nullopt;
  const Placement copy = output_.append(output_.index_of(kDescriptors), *bytes, 0, sizeof(std::uint64_t));
  // Every word that leads into the module is the address of a text (include/linux/dynamic_debug.h, struct _ddebug).
  for (std::uint64_t at = 0; at + sizeof(std::uint64_t) <= bytes->size(); at += sizeof(std::uint64_t)) {
    const TargetAddr text(load_le<std::uint64_t>(*bytes, at));
    std::uint64_t size = 0;
    while (image.bytes_at(text, size + 1) && image.bytes_at(text, size + 1)->back() != std::byte{0}) ++size;
    const auto whole = image.bytes_at(text, size + 1);
    if (!whole) continue;
    const Placement placed = output_.append(output_.index_of(".rodata"), *whole, 0, 1);
    refer_inside({.section = copy.section, .offset = copy.offset + at}, target::FixupKind::kAbs64, placed, 0);
  }
  descriptors_.emplace(std::pair(key.owner, key.address), copy);
  return copy;
}

bool Linker::convert_branch(std::size_t unit, const extract::Block& table, std::size_t record, const KernelPlace& key) {
  const target::SpecialSection* format = record_format(table.section, target_.record_sizes);
  const extract::Fixup* key_fixup = field_fixup(table, *format, record, *field_of(*format, target::FieldKind::kKey));
  const auto site = code_of(table, *format, record, *field_of(*format, target::FieldKind::kOwner));
  const auto target = code_of(table, *format, record, *field_of(*format, target::FieldKind::kCode));
  const auto placed_site = site ? placed_.find({.unit = unit, .block = site->block}) : placed_.end();
  const auto placed_target = target ? placed_.find({.unit = unit, .block = target->block}) : placed_.end();
  HP_CHECK(placed_site != placed_.end() && placed_target != placed_.end(), "a branch of a function that is here");
  const extract::Block& function = units_[unit].patch->blocks[site->block.value()];
  const ByteView code = ByteView(function.contents).subspan(site->offset);
  const bool is_wide =
      code.size() >= kNop5.size() && (code.front() == kJump32 || std::ranges::equal(code.first(kNop5.size()), kNop5));
  if (!is_wide) {
    refuse("HP114-module-key", unit, function,
           function.name + "+" + hex(site->offset) + " is a static branch on " + key.name + " of module " + key.owner +
               ", and only two bytes wide: there is no room for a jump to code that asks the key",
           "patch a function without that branch");
    return false;
  }
  const std::size_t text = output_.index_of(".text");
  const Placement stub = output_.append(text, kBranchStub, 0, 1);
  const std::uint64_t at_site = placed_site->second.offset + site->offset;
  const bool branches_when_off = (key_fixup->addend & kKeyIsBranch) != 0;
  Bytes& contents = output_.sections()[text].contents;
  if (branches_when_off) contents[stub.offset + kConditionByte] = kJumpIfEqual;
  contents[at_site] = kJump32;
  constexpr auto kRelative = target::FixupKind::kPcRel32;
  refer_inside({.section = text, .offset = at_site + 1}, kRelative, stub, -4);
  refer_inside({.section = text, .offset = stub.offset + kTargetField}, kRelative,
               {.section = text, .offset = placed_target->second.offset + target->offset}, -4);
  refer_inside({.section = text, .offset = stub.offset + kBackField}, kRelative,
               {.section = text, .offset = at_site + kNop5.size()}, -4);
  // Behind the key's displacement stands the byte that it is compared with.
  refer_outside({.section = text, .offset = stub.offset + kKeyField}, kRelative, key, (key_fixup->addend & ~kKeyFlags) - 5,
                units_[unit].owner);
  add_unwind_record(stub, unwind_record_at(unit, *site));
  return true;
}

Bytes Linker::unwind_record_at(std::size_t unit, const CodePlace& place) const {
  const extract::PatchObject& patch = *units_[unit].patch;
  const extract::Block* places = find_table(patch, kUnwindPlaces);
  const extract::Block* records = find_table(patch, kUnwindRecords);
  if (places == nullptr || records == nullptr) return {};
  const target::SpecialSection* format = record_format(kUnwindPlaces, target_.record_sizes);
  const std::size_t count = places->contents.size() / format->record_size;
  const std::size_t size = records->contents.size() / std::max<std::size_t>(count, 1);
  std::optional<std::size_t> best;
  std::uint64_t best_offset = 0;
  for (std::size_t record = 0; record < count; ++record) {
    const auto code = code_of(*places, *format, record, *field_of(*format, target::FieldKind::kOwner));
    if (!code || code->block != place.block || code->offset > place.offset || (best && code->offset < best_offset)) continue;
    best = record;
    best_offset = code->offset;
  }
  if (!best) return {};
  const ByteView found = ByteView(records->contents).subspan(*best * size, size);
  return {found.begin(), found.end()};
}

}  // namespace hotpatch::kernel

// SPDX-License-Identifier: GPL-2.0-or-later
//
// A hypervisor of a few hundred bytes with everything that the linker and the checker look for in a real one, and patches for it.
#pragma once

#include <elf.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "common/elf/image.h"
#include "common/elf/object_builder.h"
#include "xen/link/link.h"
#include "xen/payload/payload.h"

namespace hotpatch::xen::synthetic {

inline constexpr std::uint64_t kText = 0xffff82d040200000;
inline constexpr std::uint64_t kRodata = kText + 0x2000;
inline constexpr std::uint64_t kInitText = kText + 0x4000;
inline constexpr std::uint64_t kInitData = kText + 0x5000;
inline constexpr std::uint64_t kData = kText + 0x6000;
inline constexpr std::uint64_t kEnd = kText + 0x8000;

inline constexpr std::uint64_t kVictim = kText + 0x100;       // 32 bytes, no ENDBR64
inline constexpr std::uint64_t kEndbrVictim = kText + 0x200;  // 32 bytes, ENDBR64 first
inline constexpr std::uint64_t kTiny = kText + 0x300;         // 2 bytes and padding
inline constexpr std::uint64_t kTight = kText + 0x400;        // 2 bytes, another function behind them
inline constexpr std::uint64_t kAltVictim = kText + 0x500;    // 32 bytes, 3 of them at +8 an alternative
inline constexpr std::uint64_t kClobbered = kText + 0x600;    // 32 bytes, ENDBR64 that boot takes away
inline constexpr std::uint64_t kHelper = kText + 0x700;       // 16 bytes
inline constexpr std::uint64_t kNmi = kText + 0x800;          // 16 bytes
inline constexpr std::uint64_t kReturns = kText + 0x900;      // 16 bytes, the last 5 a jump to the return thunk
inline constexpr std::uint64_t kThunk = kText + 0xa00;
inline constexpr std::uint64_t kSteps = kText + 0xb00;  // 32 bytes of real instructions (add_steps)
inline constexpr std::uint64_t kEarly = kText + 0xb40;  // 5 bytes, the return amid them
inline constexpr std::uint64_t kTwins = kText + 0xb80;  // two functions of one name, 16 bytes apart

inline Bytes note_of(ByteView id) {
  ByteWriter out;
  out.write<std::uint32_t>(4);
  out.write<std::uint32_t>(static_cast<std::uint32_t>(id.size()));
  out.write<std::uint32_t>(3);
  out.write_bytes(as_byte_view(std::string_view("GNU\0", 4)));
  out.write_bytes(id);
  return std::move(out).take();
}

inline Bytes xen_id() { return Bytes(20, std::byte{0x39}); }

/// Makes a linked image of a relocatable one: type EXEC, and sections at `addresses`.
inline void give_addresses(Bytes& file, const std::vector<std::pair<std::string_view, std::uint64_t>>& addresses,
                           const std::vector<std::string>& names) {
  store_le<std::uint16_t>(file, offsetof(Elf64_Ehdr, e_type), ET_EXEC);
  const auto table = load_le<std::uint64_t>(file, offsetof(Elf64_Ehdr, e_shoff));
  for (std::size_t number = 0; number < names.size(); ++number) {
    for (const auto& address : addresses) {
      if (address.first != names[number]) continue;
      store_le<std::uint64_t>(file, table + (number + 1) * sizeof(Elf64_Shdr) + offsetof(Elf64_Shdr, sh_addr), address.second);
    }
  }
}

/// ENDBR64; +4 mov $17,%eax; +9 test %edi,%edi; +0xb je +0x12; +0xd call helper; +0x12 add $1,%eax; +0x15 je +0x19; +0x17 ud2;
/// +0x19 mov (%rdi),%eax; +0x1b jmp __x86_return_thunk. And of kEarly: test %edi,%edi; ret; jmp to its start.
inline void add_steps(Bytes& text) {
  constexpr std::array<unsigned char, 32> kCode = {0xf3, 0x0f, 0x1e, 0xfa, 0xb8, 0x11, 0, 0,    0,    0x85, 0xff,
                                                   0x74, 0x05, 0xe8, 0,    0,    0,    0, 0x83, 0xc0, 0x01, 0x74,
                                                   0x02, 0x0f, 0x0b, 0x8b, 0x07, 0xe9, 0, 0,    0,    0};
  constexpr std::array<unsigned char, 5> kEarlyCode = {0x85, 0xff, 0xc3, 0xeb, 0xfb};
  std::memcpy(&text[kSteps - kText], kCode.data(), kCode.size());
  store_le<std::int32_t>(text, kSteps - kText + 0xe,
                         static_cast<std::int32_t>(static_cast<std::int64_t>(kHelper - (kSteps + 0x12))));
  store_le<std::int32_t>(text, kSteps - kText + 0x1c,
                         static_cast<std::int32_t>(static_cast<std::int64_t>(kThunk - (kSteps + 0x20))));
  std::memcpy(&text[kEarly - kText], kEarlyCode.data(), kEarlyCode.size());
}

/// An exception table with kSteps + 0x19, which goes on at kSteps + 0x12; a bug frame of kSteps + 0x17; the address of kSteps + 0x19.
inline Bytes read_only_data() {
  Bytes data(0x100);
  const auto distance = [&](std::uint64_t at, std::uint64_t target) {
    return static_cast<std::int32_t>(static_cast<std::int64_t>(target - (kRodata + at)));
  };
  store_le<std::int32_t>(data, 0x40, distance(0x40, kSteps + 0x19));
  store_le<std::int32_t>(data, 0x44, distance(0x44, kSteps + 0x12));
  store_le<std::int32_t>(data, 0x60, distance(0x60, kSteps + 0x17) & 0xffffff);
  store_le<std::uint64_t>(data, 0x80, kSteps + 0x19);
  return data;
}

/// `with_alt_calls`: as of 4.21, with a table of alternative calls, of which one is at kAltVictim + 16.
inline elf::Image make_image(bool with_alt_calls = false) {
  elf::ObjectBuilder builder;
  Bytes text(0x1000, std::byte{0x90});
  const auto fill = [&text](std::uint64_t at, std::size_t size, bool endbr) {
    const std::size_t start = static_cast<std::size_t>(at - kText);
    for (std::size_t number = 0; number < size; ++number) text[start + number] = static_cast<std::byte>(0x40 + number);
    if (endbr) std::copy(kEndbr64.begin(), kEndbr64.end(), text.begin() + static_cast<std::ptrdiff_t>(start));
  };
  fill(kVictim, 32, false);
  fill(kEndbrVictim, 32, true);
  fill(kTiny, 2, false);
  fill(kTight, 2, false);
  fill(kAltVictim, 32, false);
  fill(kClobbered, 32, true);
  fill(kHelper, 16, false);
  fill(kNmi, 16, false);
  fill(kReturns, 16, false);
  text[kReturns - kText + 11] = std::byte{0xe9};
  store_le<std::int32_t>(text, kReturns - kText + 12, static_cast<std::int32_t>(kThunk - (kReturns + 16)));
  add_steps(text);
  ByteWriter init_data;
  init_data.write<std::int32_t>(static_cast<std::int32_t>(static_cast<std::int64_t>(kAltVictim + 8 - kInitData)));
  init_data.write<std::int32_t>(0);
  init_data.write<std::uint16_t>(0x100);
  init_data.write<std::uint8_t>(2);
  init_data.write<std::uint8_t>(2);
  init_data.write<std::uint8_t>(1);
  init_data.write<std::uint8_t>(0);
  init_data.pad_to(16);
  init_data.write<std::uint64_t>(kClobbered);
  init_data.write<std::int32_t>(static_cast<std::int32_t>(static_cast<std::int64_t>(kAltVictim + 16 - (kInitData + 24))));

  const std::vector<std::string> names = {".text", ".rodata", ".note.gnu.build-id", ".init.text", ".init.data", ".data"};
  const auto add = [&builder](const std::string& name, std::uint32_t type, std::uint64_t flags, Bytes contents) {
    return builder.add_section({.name = name, .type = type, .flags = flags, .alignment = 16, .contents = std::move(contents)});
  };
  const auto text_section = add(names[0], SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, text);
  const auto rodata = add(names[1], SHT_PROGBITS, SHF_ALLOC, read_only_data());
  (void)add(names[2], SHT_NOTE, SHF_ALLOC, note_of(xen_id()));
  const auto init_text = add(names[3], SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, Bytes(0x100, std::byte{0x90}));
  const auto init = add(names[4], SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, std::move(init_data).take());
  const auto data = add(names[5], SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, Bytes(0x100));

  const auto define = [&builder](std::string name, elf::SectionIndex section, std::uint64_t value, std::uint64_t size,
                                 elf::SymbolBinding binding = elf::SymbolBinding::kGlobal) {
    (void)builder.add_symbol({.name = std::move(name),
                              .binding = binding,
                              .type = size == 0 ? elf::SymbolType::kNone : elf::SymbolType::kFunction,
                              .place = elf::SymbolPlace::kSection,
                              .section = section,
                              .value = value,
                              .size = size});
  };
  (void)builder.add_symbol({.name = "common/unit.c", .type = elf::SymbolType::kFile, .place = elf::SymbolPlace::kAbsolute});
  define("victim", text_section, kVictim, 32);
  define("endbr_victim", text_section, kEndbrVictim, 32);
  define("tiny", text_section, kTiny, 2);
  define("tight", text_section, kTight, 2);
  define("after_tight", text_section, kTight + 2, 8);
  define("alt_victim", text_section, kAltVictim, 32);
  define("clobbered", text_section, kClobbered, 32);
  define("helper", text_section, kHelper, 16);
  define("static_helper", text_section, kHelper + 0x80, 8, elf::SymbolBinding::kLocal);
  define("do_nmi", text_section, kNmi, 16);
  define("returns", text_section, kReturns, 16);
  define("__x86_return_thunk", text_section, kThunk, 0);
  define("steps", text_section, kSteps, 32);
  define("early", text_section, kEarly, 5);
  define("twin", text_section, kTwins, 8, elf::SymbolBinding::kLocal);
  define("twin", text_section, kTwins + 16, 8, elf::SymbolBinding::kLocal);
  define("__start___ex_table", rodata, kRodata + 0x40, 0);
  define("__stop___ex_table", rodata, kRodata + 0x48, 0);
  define("__start_bug_frames", rodata, kRodata + 0x60, 0);
  define("__stop_bug_frames_0", rodata, kRodata + 0x60, 0);
  define("__stop_bug_frames_1", rodata, kRodata + 0x60, 0);
  define("__stop_bug_frames_2", rodata, kRodata + 0x68, 0);
  define("__stop_bug_frames_3", rodata, kRodata + 0x68, 0);
  define("boot_only", init_text, kInitText, 16);
  define("counter", data, kData, 8);
  define("_stext", text_section, kText, 0);
  define("_etext", text_section, kText + 0x1000, 0);
  define("__init_begin", init_text, kInitText, 0);
  define("__init_end", data, kData, 0);
  define("__alt_instructions", init, kInitData, 0);
  define("__alt_instructions_end", init, kInitData + 14, 0);
  define("__initdata_cf_clobber_start", init, kInitData + 16, 0);
  define("__initdata_cf_clobber_end", init, kInitData + 24, 0);
  if (with_alt_calls) {
    define("__alt_call_sites_start", init, kInitData + 24, 0);
    define("__alt_call_sites_end", init, kInitData + 28, 0);
    define("cleared_caps", data, kData + 16, 24 * sizeof(std::uint32_t), elf::SymbolBinding::kLocal);
  }
  define("__2M_rwdata_end", data, kEnd, 0);
  define("a_string", rodata, kRodata, 0);
  auto file = builder.write();
  REQUIRE(file);
  give_addresses(*file,
                 {{".text", kText},
                  {".rodata", kRodata},
                  {".note.gnu.build-id", kRodata + 0x800},
                  {".init.text", kInitText},
                  {".init.data", kInitData},
                  {".data", kData}},
                 names);
  auto object = elf::parse_object(*std::move(file), "xen-syms");
  REQUIRE_MESSAGE(object, (object ? "" : object.error().message()));
  auto image = elf::Image::make(*std::move(object));
  REQUIRE_MESSAGE(image, (image ? "" : image.error().message()));
  return *std::move(image);
}

/// A patch of one unit, built up call by call. Every external is known by name to the original object's proof or as a global.
class PatchMaker {
 public:
  explicit PatchMaker(std::string unit = "common/unit.o") {
    patch.unit = unit;
    patch.file = "common/unit.c";
    located.unit = std::move(unit);
  }
  extract::BlockIndex block(std::string name, std::string section, extract::BlockKind kind, Bytes contents,
                            std::uint64_t alignment = 16) {
    extract::Block made;
    made.is_global = kind == extract::BlockKind::kText;
    made.is_function = kind == extract::BlockKind::kText;
    made.name = std::move(name);
    made.section = std::move(section);
    made.kind = kind;
    made.alignment = alignment;
    made.contents = std::move(contents);
    made.why = "changed";
    patch.blocks.push_back(std::move(made));
    return extract::BlockIndex(patch.blocks.size() - 1);
  }
  extract::BlockIndex text(std::string name, std::size_t size = 32) {
    return block(name, ".text." + name, extract::BlockKind::kText, Bytes(size, std::byte{0x90}));
  }
  extract::ExternalIndex global(std::string name) {
    patch.externals.push_back(
        {.name = std::move(name), .is_global = true, .is_function = true, .original_symbol = {}, .original_section = {}});
    return extract::ExternalIndex(patch.externals.size() - 1);
  }
  /// A local symbol, which the proof has found at `address`.
  extract::ExternalIndex local(std::string name, std::uint64_t address) {
    located.symbol_address.emplace_back(TargetAddr(address));
    patch.externals.push_back({.name = std::move(name),
                               .is_function = true,
                               .original_symbol = elf::SymbolIndex(located.symbol_address.size() - 1),
                               .original_section = {}});
    return extract::ExternalIndex(patch.externals.size() - 1);
  }
  void fix(extract::BlockIndex block, std::uint64_t offset, target::FixupKind kind,
           std::variant<extract::BlockIndex, extract::ExternalIndex> target, std::int64_t addend, bool is_branch = false) {
    patch.blocks.at(block.value())
        .fixups.push_back({.offset = offset, .kind = kind, .target = target, .addend = addend, .is_branch = is_branch});
  }
  /// A global symbol of the unit itself, which the proof has found where make_image() has it.
  extract::ExternalIndex own(std::string name) {
    constexpr std::array<std::pair<std::string_view, std::uint64_t>, 8> kFunctions = {{{"victim", kVictim},
                                                                                       {"endbr_victim", kEndbrVictim},
                                                                                       {"tiny", kTiny},
                                                                                       {"tight", kTight},
                                                                                       {"alt_victim", kAltVictim},
                                                                                       {"clobbered", kClobbered},
                                                                                       {"do_nmi", kNmi},
                                                                                       {"returns", kReturns}}};
    const auto* const found =
        std::find_if(kFunctions.begin(), kFunctions.end(), [&](const auto& one) { return one.first == name; });
    REQUIRE_MESSAGE(found != kFunctions.end(), name);
    return own_at(std::move(name), found->second);
  }
  /// The same, found at `address`.
  extract::ExternalIndex own_at(std::string name, std::uint64_t address) {
    const extract::ExternalIndex index = local(std::move(name), address);
    extract::External& external = patch.externals[index.value()];
    external.is_global = true;
    external.original_section = elf::SectionIndex(located.section_address.size());
    located.section_address.emplace_back(TargetAddr(address));
    return index;
  }
  extract::BlockIndex splice(std::string name, std::uint64_t size = 32) {
    const auto replacement = text(name);
    const auto original = own(name);
    patch.functions.push_back(
        {.name = std::move(name), .replacement = replacement, .original = original, .original_size = size, .rewritten = {}});
    return replacement;
  }
  [[nodiscard]] LinkUnit unit() const { return {.patch = &patch, .located = &located}; }

  extract::PatchObject patch;
  prove::Located located;
};

inline LinkOptions options() {
  LinkOptions made;
  made.name = "sample";
  made.patch_digest = std::string(64, 'a');
  made.base = "synthetic";
  made.tool_version = "test";
  return made;
}

inline LinkedPayload link(const std::vector<LinkUnit>& units, const elf::Image& image, const LinkOptions& with = options()) {
  auto linked = link_payload(units, image, with);
  REQUIRE_MESSAGE(linked, (linked ? "" : linked.error().message()));
  return *std::move(linked);
}

inline bool has_rule(const Diagnostics& findings, std::string_view rule) {
  for (const Finding& finding : findings.findings()) {
    if (finding.rule == rule) return true;
  }
  return false;
}

}  // namespace hotpatch::xen::synthetic

// SPDX-License-Identifier: GPL-2.0-or-later
//
// From a relocated block of memory to a payload that could be applied.
#include <elf.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "xen/check/emulator.h"
#include "xen/payload/payload.h"

namespace hotpatch::xen::check {
namespace {

constexpr const char* kStep = "special sections";

/// struct alt_instr: s32 orig, s32 repl, u16 cpuid, u8 orig_len, u8 repl_len, u8 pad_len, u8 priv.
constexpr std::uint64_t kAltSize = 14;
constexpr std::uint32_t kMaxAlternative = 254;  // MAX_PATCH_LEN
constexpr std::uint16_t kAltNot = 0x8000;
/// X86_FEATURE_ALWAYS is long mode: bit 29 of the policy's word 2 (asm/cpufeature.h, public/arch-x86/cpufeatureset.h).
constexpr std::uint16_t kFeatureAlways = 2 * 32 + 29;

struct Alternative {
  TargetAddr original;
  TargetAddr replacement;
  std::uint16_t feature = 0;
  std::uint32_t original_length = 0;
  std::uint32_t replacement_length = 0;
  std::uint32_t pad_length = 0;
};

Alternative read_alternative(const Memory& memory, TargetAddr entry) {
  const ByteView bytes = *memory.read(entry, kAltSize);
  const auto target = [&](std::size_t offset) {
    return entry + offset + static_cast<std::uint64_t>(std::int64_t{load_le<std::int32_t>(bytes, offset)});
  };
  return {.original = target(0),
          .replacement = target(4),
          .feature = load_le<std::uint16_t>(bytes, 8),
          .original_length = load_le<std::uint8_t>(bytes, 10),
          .replacement_length = load_le<std::uint8_t>(bytes, 11),
          .pad_length = load_le<std::uint8_t>(bytes, 12)};
}

std::string not_loaded(std::string_view section) {
  return std::string(section) + " is not allocated, and Xen reads it at address 0";
}

}  // namespace

bool Emulator::section_ok(const RawSection& section, std::uint64_t unit) {
  if (section.size % unit == 0) return true;
  return refuse(EINVAL, kStep, std::to_string(section.size) + " bytes are not a multiple of " + std::to_string(unit),
                std::string(section.name));
}

bool Emulator::check_mandatory() {
  for (const std::string_view name : {kDependsSection, kXenDependsSection, kBuildIdSection}) {
    const RawSection* section = find(name);
    if (section == nullptr) return refuse(EINVAL, kStep, "a mandatory section is missing", std::string(name));
    if (section->size == 0) return refuse(EINVAL, kStep, "a mandatory section is empty", std::string(name));
  }
  return true;
}

bool Emulator::check_patching() {
  bool is_found = false;
  std::vector<std::string> names = {std::string(kFuncsSection)};
  for (std::size_t kind = 0; kind < kHookKinds; ++kind)
    names.push_back(std::string(kHooksPrefix) + std::string(hook_name(static_cast<HookKind>(kind))));
  for (const std::string& name : names) {
    const RawSection* section = find(name);
    if (section == nullptr) continue;
    if (section->size == 0) return refuse(EINVAL, kStep, "the section is empty", name);
    is_found = true;
  }
  if (!is_found) return refuse(EINVAL, kStep, "there is neither a function to patch nor a hook", {});
  return true;
}

bool Emulator::prepare_functions() {
  const RawSection* section = find(kFuncsSection);
  if (section == nullptr) return true;
  if (!section_ok(*section, kFuncSize)) return false;
  if (section->load == 0) return crash("HP120-not-allocated", "functions", not_loaded(section->name), std::string(section->name));
  for (std::uint64_t at = 0; at < section->size; at += kFuncSize) {
    if (!prepare_function(static_cast<std::size_t>(at / kFuncSize), TargetAddr(section->load) + at)) return false;
  }
  return true;
}

bool Emulator::prepare_function(std::size_t number, TargetAddr place) {
  const ByteView bytes = *memory_.read(place, kFuncSize);
  LoadedFunction function;
  function.place = place;
  function.name = load_le<std::uint64_t>(bytes, kFuncNameOffset);
  function.new_addr = TargetAddr(load_le<std::uint64_t>(bytes, kFuncNewAddrOffset));
  function.old_addr = TargetAddr(load_le<std::uint64_t>(bytes, kFuncOldAddrOffset));
  function.new_size = load_le<std::uint32_t>(bytes, kFuncNewSizeOffset);
  function.old_size = load_le<std::uint32_t>(bytes, kFuncOldSizeOffset);
  function.version = load_le<std::uint8_t>(bytes, kFuncVersionOffset);
  function.expect_flags = load_le<std::uint8_t>(bytes, kFuncExpectOffset);
  const ByteView expect = bytes.subspan(kFuncExpectDataOffset, (function.expect_flags >> 1U) & 0x1fU);
  function.expect.assign(expect.begin(), expect.end());
  const auto text = function.name == 0 ? std::optional<std::string>() : memory_.read_text(TargetAddr(function.name));
  function.name_text = text.value_or(std::string());
  const std::string where = "entry " + std::to_string(number) + (text ? " (" + *text + ")" : std::string());

  if (function.version != kFuncVersion)
    return refuse(EOPNOTSUPP, "functions", "version " + std::to_string(function.version) + ", only 2 is taken", where);
  if (function.old_size == 0) return refuse(EINVAL, "functions", "the old size is 0", where);
  if (function.old_addr == TargetAddr()) {
    if (!text)
      return crash("HP131-unmapped", "functions", "there is no old address, and the name to look up is not in memory", where);
    if (xen_.is_seen()) function.old_addr = look_up(*text);
    if (function.old_addr == TargetAddr() && xen_.is_seen())
      return refuse(ENOENT, "functions", "there is no old address, and Xen has no symbol of that name", where);
  }
  if (!verify_function(function, where)) return false;
  functions_.push_back(std::move(function));
  return true;
}

bool Emulator::verify_function(const LoadedFunction& function, const std::string& place) {
  if (function.new_addr == TargetAddr()) {
    if (function.new_size > kMaxExpectation)
      return refuse(EOPNOTSUPP, "functions", std::to_string(function.new_size) + " bytes of NOPs, the limit is 31", place);
    if (function.old_size < function.new_size) return refuse(EINVAL, "functions", "more NOPs than the old size", place);
    return true;
  }
  if (function.old_addr == TargetAddr()) return true;  // by a name that is not known here
  if (!memory_.is_mapped(function.old_addr, kEndbrSize)) {
    const bool is_init = xen_.init().contains(function.old_addr);
    return crash(is_init ? "HP050-init" : "HP131-unmapped", "functions",
                 "the old address " + hex(function.old_addr.value()) + (is_init ? " is freed after boot" : " is not mapped"),
                 place);
  }
  const auto entry = memory_.read(function.old_addr, kEndbrSize);
  const std::uint32_t needed = kJumpSize + (entry && starts_with_endbr(*entry) ? kEndbrSize : 0);
  if (function.old_size < needed)
    return refuse(EINVAL, "functions",
                  "the old size is " + std::to_string(function.old_size) + ", the jump needs " + std::to_string(needed), place);
  const auto distance = static_cast<std::int64_t>(function.old_addr - function.new_addr);
  constexpr std::int64_t kRange = std::int64_t{1} << 31;
  if (distance < -kRange || distance >= kRange)
    return refuse(EOVERFLOW, "functions", "the new code is more than 2 GiB away", place);
  return true;
}

bool Emulator::prepare_hooks() {
  for (std::size_t number = 0; number < kHookKinds; ++number) {
    const auto kind = static_cast<HookKind>(number);
    const RawSection* section = find(std::string(kHooksPrefix) + std::string(hook_name(kind)));
    if (section == nullptr) continue;
    if (!section_ok(*section, sizeof(std::uint64_t))) return false;
    if (kind != HookKind::kLoad && kind != HookKind::kUnload && section->size != sizeof(std::uint64_t))
      return refuse(EINVAL, kStep, "Xen takes one hook of this kind", std::string(section->name));
  }
  return true;
}

bool Emulator::prepare_note(std::string_view name) {
  const RawSection* section = find(name);
  if (section == nullptr) return true;
  if (section->size <= kNoteHeaderSize) return refuse(EINVAL, "notes", "the note is too short", std::string(name));
  if (section->load == 0) return crash("HP120-not-allocated", "notes", not_loaded(name), std::string(name));
  const auto note = memory_.read(TargetAddr(section->load), section->size);
  if (!note || !note_id(*note)) return refuse(EINVAL, "notes", "this is not a note with a build ID", std::string(name));
  return true;
}

bool Emulator::prepare_bug_frames() {
  for (int number = 0; number < 4; ++number) {
    const RawSection* section = find(".bug_frames." + std::to_string(number));
    if (section != nullptr && !section_ok(*section, 8)) return false;
  }
  return true;
}

bool Emulator::prepare_alternatives() {
  const RawSection* section = find(".altinstructions");
  if (section == nullptr) return true;
  if (!section_ok(*section, kAltSize)) return false;
  if (section->size == 0) return true;
  if (text_.size == 0) return refuse(EINVAL, "alternatives", "there are alternatives but no code", {});
  const RawSection* replacement = find(".altinstr_replacement");
  if (replacement == nullptr) return refuse(EINVAL, "alternatives", "there is no .altinstr_replacement", {});
  if (section->load == 0)
    return crash("HP120-not-allocated", "alternatives", not_loaded(section->name), std::string(section->name));
  const auto for_each = [&](const auto& step) {
    for (std::uint64_t at = 0; at < section->size; at += kAltSize) {
      if (!step(TargetAddr(section->load) + at, "alternative " + std::to_string(at / kAltSize))) return false;
    }
    return true;
  };
  return for_each([&](TargetAddr entry, const std::string& place) { return check_alternative(*replacement, entry, place); }) &&
         for_each([&](TargetAddr entry, const std::string& place) { return apply_alternative(entry, place); });
}

bool Emulator::check_alternative(const RawSection& replacement, TargetAddr entry, const std::string& place) {
  const Alternative one = read_alternative(memory_, entry);
  if (!text_.contains(one.original, one.original_length))
    return refuse(EINVAL, "alternatives", "the instruction at " + hex(one.original.value()) + " is not in the payload's text",
                  place);
  const Region region{.begin = TargetAddr(replacement.load), .size = replacement.size};
  if (!region.contains(one.replacement, one.replacement_length))
    return refuse(EINVAL, "alternatives",
                  "the replacement at " + hex(one.replacement.value()) + " is not in .altinstr_replacement", place);
  return true;
}

bool Emulator::apply_alternative(TargetAddr entry, const std::string& place) {
  constexpr const char* kRule = "HP125-alternative";
  const Alternative one = read_alternative(memory_, entry);
  const std::uint32_t total = one.original_length + one.pad_length;
  const std::uint32_t feature = one.feature & static_cast<std::uint16_t>(~kAltNot);
  if (one.replacement_length > total)
    return crash(kRule, "alternatives",
                 "a replacement of " + std::to_string(one.replacement_length) + " bytes for " + std::to_string(total), place);
  if (total > kMaxAlternative)
    return crash(kRule, "alternatives", std::to_string(total) + " bytes to replace, the limit is 254", place);
  if (feature >= xen_.cpu_features())
    return crash(kRule, "alternatives", "CPU feature " + std::to_string(feature) + " does not exist", place);
  if (!text_.contains(one.original, total))
    return crash(kRule, "alternatives", "the padding runs out of the payload's text, and Xen writes there", place);

  // An alternative call: the pointer is read now, through the displacement of the original instruction.
  if (one.feature != kFeatureAlways || one.replacement_length < 5 || one.original_length < 6) return true;
  const auto replacement = memory_.read(one.replacement, 5);
  const auto original = memory_.read(one.original, 6);
  if (!replacement || !original) return true;
  const auto opcode = load_le<std::uint8_t>(*replacement, 0);
  if ((opcode & 0xfeU) != 0xe8 || load_le<std::int32_t>(*replacement, 1) != -5) return true;
  const std::uint8_t wanted = (opcode & 1U) != 0 ? 0x25 : 0x15;
  if (load_le<std::uint8_t>(*original, 0) != 0xff || load_le<std::uint8_t>(*original, 1) != wanted) return true;
  return read_call_pointer(one.original, place);
}

/// What Xen does with an alternative call's pointer while it takes the upload. Requires: kAltCallLength bytes are in memory there.
bool Emulator::read_call_pointer(TargetAddr call, const std::string& place) {
  const ByteView bytes = *memory_.read(call, kAltCallLength);
  const TargetAddr pointer = call + kAltCallLength + static_cast<std::uint64_t>(std::int64_t{load_le<std::int32_t>(bytes, 2)});
  if (!memory_.is_mapped(pointer, sizeof(std::uint64_t)))
    return crash("HP137-altcall-pointer", "alternatives",
                 "an alternative call through " + hex(pointer.value()) + ", which is not mapped", place);
  return true;
}

/// 4.21 on (livepatch.c prepare_payload, alternative.c apply_alt_calls). An earlier Xen does not look at the table.
bool Emulator::prepare_alternative_calls() {
  constexpr const char* kCalls = "alternative calls";
  const RawSection* section = find(kAltCallsSection);
  if (section == nullptr || !xen_.has_alt_call_table()) return true;
  if (!section_ok(*section, kAltCallSize)) return false;
  if (section->size == 0) return true;
  if (text_.size == 0) return refuse(EINVAL, kCalls, "there are alternative calls but no code", {});
  if (section->load == 0) return crash("HP120-not-allocated", kCalls, not_loaded(section->name), std::string(section->name));
  const auto for_each = [&](const auto& step) {
    for (std::uint64_t at = 0; at < section->size; at += kAltCallSize) {
      const TargetAddr record = TargetAddr(section->load) + at;
      const auto distance = *memory_.load<std::int32_t>(record);
      const TargetAddr call = record + static_cast<std::uint64_t>(std::int64_t{distance});
      if (!step(call, "alternative call " + std::to_string(at / kAltCallSize))) return false;
    }
    return true;
  };
  const bool are_inside = for_each([&](TargetAddr call, const std::string& place) {
    return text_.contains(call, kAltCallLength) ||
           refuse(EINVAL, kCalls, "the call at " + hex(call.value()) + " is not in the payload's text", place);
  });
  return are_inside && for_each([&](TargetAddr call, const std::string& place) {
           const ByteView bytes = *memory_.read(call, kAltCallLength);
           if (bytes[0] != std::byte{0xff} || bytes[1] != std::byte{0x15})
             return refuse(EINVAL, kCalls, "at " + hex(call.value()) + " is no call through a pointer relative to it", place);
           return read_call_pointer(call, place);
         });
}

bool Emulator::prepare_exceptions() {
  const RawSection* section = find(".ex_table");
  if (section == nullptr || section->size == 0) return true;
  if (!section_ok(*section, 8)) return false;
  if (section->load == 0)
    return crash("HP120-not-allocated", "exception table", not_loaded(section->name), std::string(section->name));
  return true;
}

bool Emulator::prepare_metadata() {
  const RawSection* section = find(kMetadataSection);
  if (section == nullptr) return true;
  if (section->size == 0)
    return crash("HP132-empty-metadata", "metadata", "the metadata is empty, and Xen reads the byte before its start, 4 GiB on",
                 ".modinfo");
  if (section->load == 0) return crash("HP120-not-allocated", "metadata", not_loaded(section->name), std::string(section->name));
  if (memory_.load<char>(TargetAddr(section->load) + (section->size - 1)) != '\0')
    return refuse(EINVAL, "metadata", "the metadata does not end with a zero byte", ".modinfo");
  return true;
}

bool Emulator::compare_build_id() {
  const RawSection& section = *find(kXenDependsSection);
  const auto note = memory_.read(TargetAddr(section.load), section.size);
  const auto id = note ? note_id(*note) : std::nullopt;
  const ByteView own = xen_.build_id().bytes();
  if (id && std::equal(id->begin(), id->end(), own.begin(), own.end())) return true;
  return refuse(EINVAL, "build ID",
                "the payload is for the hypervisor " + (id ? hex_bytes(*id, '\0') : std::string("?")) + ", this is " +
                    xen_.build_id().text(),
                std::string(kXenDependsSection));
}

bool Emulator::build_symbols() {
  for (std::size_t number = 1; number < symbols_.size(); ++number) {
    const RawSymbol& symbol = symbols_[number];
    if (symbol.section == SHN_UNDEF || symbol.section >= sections_.size()) continue;
    const RawSection& section = sections_[symbol.section];
    if (!section.is_allocated() || symbol.name.empty()) continue;
    if ((section.flags & SHF_MERGE) != 0 && symbol.name.starts_with(".L")) continue;
    const bool overrides = std::any_of(functions_.begin(), functions_.end(), [&symbol](const LoadedFunction& function) {
      return function.new_addr == TargetAddr(symbol.value);
    });
    if (overrides) continue;
    const std::string_view name = symbol.name.substr(0, kMaxSymbolSize - 1);
    if (look_up(name) != TargetAddr())
      return refuse(EEXIST, "symbol table", "a new symbol has a name that Xen has already",
                    "symbol " + std::to_string(number) + " (" + std::string(name) + ")");
  }
  return true;
}

}  // namespace hotpatch::xen::check

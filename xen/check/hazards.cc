// SPDX-License-Identifier: GPL-2.0-or-later
#include "xen/check/hazards.h"

#include <elf.h>

#include <algorithm>
#include <array>
#include <map>

#include "xen/payload/payload.h"
#include "xen/profile/profile.h"

namespace hotpatch::xen::check {
namespace {

constexpr std::array<std::string_view, 9> kUnsupportedSections = {".bss.percpu*",   ".data.percpu*",     ".init.*",
                                                                  ".ex_table.pre*", ".initcall*",        ".data.schedulers*",
                                                                  ".data.vpci*",    ".data.paramhypfs*", ".init_array*"};

bool matches(std::string_view pattern, std::string_view name) noexcept {
  if (pattern.ends_with('*')) return name.starts_with(pattern.substr(0, pattern.size() - 1));
  return pattern == name;
}

class Hazards {
 public:
  Hazards(const Emulator& loaded, const Hypervisor& xen, Diagnostics& findings)
      : loaded_(loaded), xen_(xen), findings_(findings) {}

  void run() {
    for (const LoadedFunction& function : loaded_.functions()) check_function(function);
    check_overlaps();
    check_hooks();
    check_bug_frames();
    check_bug_relocations();
    check_exceptions();
    check_symbols();
    check_table_place();
    check_alternative_calls();
  }

 private:
  void add(const char* rule, Severity severity, Place where, std::string text, std::string remedy = {}) {
    findings_.add(
        {.rule = rule, .severity = severity, .where = std::move(where), .text = std::move(text), .remedy = std::move(remedy)});
  }
  static Place in_symbol(const LoadedFunction& function) {
    return {.unit = {}, .symbol = function.name_text, .section = {}, .source = {}};
  }
  static Place in_section(std::string_view section, std::uint64_t offset) {
    return {.unit = {}, .symbol = {}, .section = std::string(section) + "+" + hex(offset), .source = {}};
  }

  [[nodiscard]] bool has_endbr(TargetAddr address) const {
    const auto bytes = loaded_.memory().read(address, kEndbrSize);
    return bytes && std::equal(bytes->begin(), bytes->end(), kEndbr64.begin());
  }
  /// The next symbol behind `address`, or the end of the text.
  [[nodiscard]] TargetAddr next_symbol(TargetAddr address) const {
    const auto symbols = xen_.image().symbols();
    const auto next = std::upper_bound(symbols.begin(), symbols.end(), address,
                                       [](TargetAddr left, const elf::ImageSymbol& right) { return left < right.address; });
    return next == symbols.end() ? xen_.text().end : std::min(next->address, xen_.text().end);
  }

  void check_function(const LoadedFunction& function) {
    const bool is_nop = function.new_addr == TargetAddr();
    if (function.name != 0 && loaded_.memory().leaves_memory(TargetAddr(function.name)))
      add("HP131-unmapped", Severity::kError, in_symbol(function),
          "the name's address " + hex(function.name) + " is not in memory, and Xen prints it");
    if (function.old_addr == TargetAddr()) return;  // by a name that is not known here
    if (xen_.init().contains(function.old_addr)) {
      add("HP050-init", Severity::kError, in_symbol(function),
          "the old address " + hex(function.old_addr.value()) + " is freed after boot");
      return;
    }
    if (!xen_.text().contains(function.old_addr)) {
      if (!depends_on_payload())
        add("HP109-not-text", Severity::kError, in_symbol(function),
            "the old address " + hex(function.old_addr.value()) + " is not in Xen's text");
      return;
    }
    if (is_nop)
      check_nops(function);
    else
      check_replacement(function);
    check_size(function);
    check_patching_path(function);
    check_expectation(function);
  }

  /// Whether Xen may find an ENDBR64, or what boot makes of one, at the entry. Where the bytes are not known, only the expectation says
  /// that there is none: without it the payload is not applied.
  [[nodiscard]] bool may_have_endbr(const LoadedFunction& function) const {
    if (loaded_.memory().read(function.old_addr, kEndbrSize)) return has_endbr(function.old_addr);
    const bool is_expecting = (function.expect_flags & 1U) != 0;
    const auto expects = [&](const std::array<std::byte, kEndbrSize>& bytes) {
      const std::size_t count = std::min<std::size_t>(function.expect.size(), kEndbrSize);
      return std::equal(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count), function.expect.begin());
    };
    return !is_expecting || expects(kEndbr64) || expects(kEndbrPoison);
  }

  void check_nops(const LoadedFunction& function) {
    if (function.new_size < kEndbrSize && may_have_endbr(function)) {
      add("HP123-nop-endbr", Severity::kError, in_symbol(function),
          std::to_string(function.new_size) + " bytes of NOPs at " + (xen_.is_seen() ? "an ENDBR64" : "what may be an ENDBR64") +
              ": Xen subtracts its 4 bytes and copies 4 GiB",
          "cover at least the ENDBR64, or start behind it");
    }
    if (function.new_size == 0 || !xen_.is_seen()) return;  // an expectation and nothing else
    const TargetAddr end = function.old_addr + function.new_size;
    const elf::ImageSymbol* symbol = xen_.image().symbol_at(function.old_addr);
    const auto thunk = xen_.image().address_of("__x86_return_thunk");
    if (symbol == nullptr || symbol->size < kJumpSize || !thunk) return;
    const TargetAddr tail = symbol->address + (symbol->size - kJumpSize);
    const auto jump = xen_.image().bytes_at(tail, kJumpSize);
    if (!jump || (*jump)[0] != std::byte{0xe9}) return;
    const TargetAddr target = tail + kJumpSize + static_cast<std::uint64_t>(std::int64_t{load_le<std::int32_t>(*jump, 1)});
    if (target == *thunk && end > tail && end < tail + kJumpSize) {
      add("HP146-nop-cuts-return", Severity::kError, in_symbol(function), "the NOPs end inside of the jump to the return thunk",
          "leave the last 5 bytes of the function alone");
    }
  }

  void check_replacement(const LoadedFunction& function) {
    if (!loaded_.text().contains(function.new_addr, 1)) {
      add("HP135-target", Severity::kError, in_symbol(function),
          "the new address " + hex(function.new_addr.value()) + " is not in the payload's text");
      return;
    }
    if (!loaded_.text().contains(function.new_addr, function.new_size))
      add("HP135-target", Severity::kWarning, in_symbol(function),
          "the new code of " + std::to_string(function.new_size) + " bytes runs out of the payload's text");
  }

  void check_size(const LoadedFunction& function) {
    if (!xen_.is_seen()) return;
    const TargetAddr limit = next_symbol(function.old_addr);
    if (function.old_addr + function.old_size > limit) {
      add("HP127-old-size", Severity::kError, in_symbol(function),
          "the old size of " + std::to_string(function.old_size) + " bytes reaches into what follows, at " + hex(limit.value()) +
              ", and Xen believes it");
    }
  }

  void check_patching_path(const LoadedFunction& function) {
    if (!xen_.is_seen()) return;
    const elf::ImageSymbol* symbol = xen_.image().symbol_at(function.old_addr);
    if (symbol == nullptr) return;
    if (target::is_listed(profile().patching_path, symbol->name))
      add("HP036-patching-path", Severity::kError, in_symbol(function),
          std::string(symbol->name) + " runs while Xen patches itself, or in the context of an NMI or machine check");
  }

  void check_expectation(const LoadedFunction& function) {
    if ((function.expect_flags & 1U) == 0) {
      if (function.new_addr != TargetAddr())
        add("HP108-no-expectation", Severity::kNote, in_symbol(function), "nothing is expected of the old bytes");
      return;
    }
    const AddrRange range{.begin = function.old_addr, .end = function.old_addr + function.expect.size()};
    if (const BootRewrite* rewrite = xen_.first_rewrite_in(range)) {
      add("HP143-expects-rewritten", Severity::kWarning, in_symbol(function),
          std::string("the expectation covers bytes that boot may rewrite (") + rewrite->why + " at " +
              hex(rewrite->range.begin.value()) + "): Xen would refuse to apply on some CPUs",
          "end it before them");
    }
  }

  [[nodiscard]] bool depends_on_payload() const {
    const RawSection* depends = loaded_.find(kDependsSection);
    const RawSection* xen = loaded_.find(kXenDependsSection);
    const auto id = depends == nullptr ? std::nullopt : note_id(loaded_.contents(*depends));
    const auto own = xen == nullptr ? std::nullopt : note_id(loaded_.contents(*xen));
    return id && own && !std::equal(id->begin(), id->end(), own->begin(), own->end());
  }

  /// Bytes at the old address that Xen may change, and restore.
  static std::uint64_t changed_size(const LoadedFunction& function) noexcept {
    return function.new_addr == TargetAddr() ? function.new_size
                                             : std::min<std::uint64_t>(function.old_size, kJumpSize + kEndbrSize);
  }

  void check_overlaps() {
    std::vector<const LoadedFunction*> sorted;
    for (const LoadedFunction& function : loaded_.functions()) {
      if (function.old_addr != TargetAddr() && changed_size(function) != 0) sorted.push_back(&function);
    }
    std::stable_sort(sorted.begin(), sorted.end(),
                     [](const LoadedFunction* left, const LoadedFunction* right) { return left->old_addr < right->old_addr; });
    for (std::size_t number = 1; number < sorted.size(); ++number) {
      const LoadedFunction& before = *sorted[number - 1];
      if (before.old_addr + changed_size(before) <= sorted[number]->old_addr) continue;
      add("HP105-overlap", Severity::kError, in_symbol(*sorted[number]),
          "changes the same bytes as the entry of " + before.name_text +
              ": Xen reverts in the order in which it applied, and would restore the wrong bytes");
    }
  }

  void check_hooks() {
    for (std::size_t number = 0; number < kHookKinds; ++number) {
      const RawSection* section = loaded_.find(std::string(kHooksPrefix) + std::string(hook_name(static_cast<HookKind>(number))));
      if (section == nullptr || section->load == 0) continue;
      for (std::uint64_t at = 0; at + sizeof(std::uint64_t) <= section->size; at += sizeof(std::uint64_t)) {
        const TargetAddr hook(loaded_.memory().load<std::uint64_t>(TargetAddr(section->load) + at).value_or(0));
        if (!loaded_.text().contains(hook)) {
          add("HP136-hook-target", Severity::kError, in_section(section->name, at),
              "the hook at " + hex(hook.value()) + " is not in the payload's text");
        } else if (!has_endbr(hook)) {
          add("HP126-hook-endbr", Severity::kError, in_section(section->name, at),
              "the hook does not begin with ENDBR64: Xen calls it through a pointer, which is fatal on a CPU with IBT",
              "declare it cf_check");
        }
      }
    }
  }

  /// struct bug_frame: two words, each a signed 24-bit displacement from the frame below 7 bits of the line number.
  [[nodiscard]] std::optional<TargetAddr> frame_target(TargetAddr frame, std::uint64_t word) const {
    const auto value = loaded_.memory().load<std::uint32_t>(frame + word);
    if (!value) return std::nullopt;
    const std::int32_t displacement = static_cast<std::int32_t>(*value << 8U) >> 8;
    return frame + static_cast<std::uint64_t>(std::int64_t{displacement});
  }

  void check_bug_frames() {
    constexpr std::array<std::byte, 2> kUd2 = {std::byte{0x0f}, std::byte{0x0b}};
    for (int type = 0; type < 4; ++type) {
      const RawSection* section = loaded_.find(".bug_frames." + std::to_string(type));
      if (section == nullptr || section->load == 0) continue;
      const std::uint64_t unit = type == 3 ? 16 : 8;
      for (std::uint64_t at = 0; at + unit <= section->size; at += unit) {
        const TargetAddr frame = TargetAddr(section->load) + at;
        const TargetAddr place = frame_target(frame, 0).value_or(TargetAddr());
        const auto code = loaded_.text().contains(place, 2) ? loaded_.memory().read(place, 2) : std::nullopt;
        if (!code || !std::equal(code->begin(), code->end(), kUd2.begin()))
          add("HP138-bug-frame", Severity::kError, in_section(section->name, at),
              "the frame's place " + hex(place.value()) + " is no UD2 of the payload");
        const TargetAddr target = frame_target(frame, 4).value_or(TargetAddr());
        if (type == 0)
          check_run_fn(in_section(section->name, at), target);
        else if (!loaded_.memory().is_mapped(target, 1))
          add("HP138-bug-frame", Severity::kError, in_section(section->name, at),
              "the frame's text at " + hex(target.value()) + " is not in memory");
      }
    }
  }

  void check_run_fn(Place where, TargetAddr target) {
    if (!loaded_.text().contains(target) && !xen_.text().contains(target)) {
      add("HP138-bug-frame", Severity::kError, std::move(where),
          "the frame's function at " + hex(target.value()) + " is not code, and Xen calls it unchecked");
    } else if (loaded_.memory().read(target, kEndbrSize) && (!has_endbr(target) || xen_.loses_endbr(target))) {
      add("HP138-bug-frame", Severity::kWarning, std::move(where),
          "the frame's function at " + hex(target.value()) + " has no ENDBR64, which is fatal on a CPU with IBT");
    }
  }

  /// A displacement that does not fit in 24 bits looks like another one: only the relocation still says what was meant.
  void check_bug_relocations() {
    for (const RawSection& table : loaded_.sections()) {
      if (table.type != SHT_RELA || table.info >= loaded_.sections().size() || table.entry_size < kRelaSize) continue;
      const RawSection& base = loaded_.sections()[table.info];
      if (base.load == 0 || !base.name.starts_with(".bug_frames.")) continue;
      const ByteView bytes = loaded_.contents(table);
      for (std::uint64_t at = 0; at + table.entry_size <= bytes.size(); at += table.entry_size)
        check_bug_relocation(base, read_rela(bytes, at));
    }
  }

  void check_bug_relocation(const RawSection& base, const RawRela& rela) {
    if (rela.type != R_X86_64_PC32 && rela.type != R_X86_64_PLT32) return;
    if (base.name == ".bug_frames.3" && rela.offset % 16 >= 8) return;
    constexpr std::int64_t kLimit = std::int64_t{1} << 23;
    const RawSymbol& symbol = loaded_.symbols()[rela.symbol];
    if (!xen_.is_seen() && (symbol.section == SHN_ABS || symbol.section == SHN_UNDEF)) return;  // nor where the payload will be
    // The line number is what is nearest to the addend in units of 1 << 24.
    const std::int64_t line = ((rela.addend >> 23) + 1) >> 1;
    const std::uint64_t addend = static_cast<std::uint64_t>(rela.addend) - (static_cast<std::uint64_t>(line) << 24U);
    const auto displacement = static_cast<std::int64_t>(symbol.value + addend - base.load - rela.offset);
    if (displacement >= -kLimit && displacement < kLimit) return;
    add("HP103-bug-frame-range", Severity::kError, in_section(base.name, rela.offset),
        "the displacement " + std::to_string(displacement) + " does not fit in 24 bits, and Xen does not notice");
  }

  void check_exceptions() {
    const RawSection* section = loaded_.find(".ex_table");
    if (section == nullptr || section->load == 0) return;
    for (std::uint64_t at = 0; at + 8 <= section->size; at += 8) {
      for (const std::uint64_t word : {std::uint64_t{0}, std::uint64_t{4}}) {
        const TargetAddr field = TargetAddr(section->load) + at + word;
        // Sorting moves entries and adjusts them, so that what they name stays the same.
        const auto distance = loaded_.memory().load<std::int32_t>(field).value_or(0);
        const TargetAddr target = field + static_cast<std::uint64_t>(std::int64_t{distance});
        if (loaded_.text().contains(target) || (word == 4 && xen_.text().contains(target))) continue;
        add("HP139-exception-table", Severity::kError, in_section(section->name, at),
            std::string(word == 0 ? "the instruction" : "the continuation") + " at " + hex(target.value()) +
                " is not in the payload's text");
      }
    }
  }

  void check_symbols() {
    std::vector<bool> is_used(loaded_.symbols().size());
    for (const RawSection& table : loaded_.sections()) {
      if (table.type != SHT_RELA || table.info >= loaded_.sections().size() || table.entry_size < kRelaSize) continue;
      if (loaded_.sections()[table.info].load == 0) continue;
      const ByteView bytes = loaded_.contents(table);
      for (std::uint64_t at = 0; at + table.entry_size <= bytes.size(); at += table.entry_size) {
        const std::uint32_t symbol = read_rela(bytes, at).symbol;
        if (symbol < is_used.size()) is_used[symbol] = true;
      }
    }
    for (std::size_t number = 1; number < is_used.size(); ++number) {
      const RawSymbol& symbol = loaded_.symbols()[number];
      if (!is_used[number] || (symbol.section != SHN_ABS && symbol.section != SHN_UNDEF)) continue;
      const Place where{.unit = {}, .symbol = std::string(symbol.name), .section = {}, .source = {}};
      const TargetAddr address(symbol.value);
      if (xen_.init().contains(address) && replaced_code_branches_to(address)) {
        add("HP055-boot-only-path", Severity::kWarning, where,
            std::string(symbol.name) + " is at " + hex(symbol.value) +
                ", in memory that Xen frees after boot, and a function that is replaced branches to it as well");
      } else if (xen_.init().contains(address)) {
        add("HP050-init", Severity::kError, where,
            std::string(symbol.name) + " is at " + hex(symbol.value) + ", in memory that Xen frees after boot");
      } else if (!xen_.whole().contains(address) && address != xen_.whole().end && !depends_on_payload()) {
        add("HP144-outside", Severity::kWarning, where,
            std::string(symbol.name) + " is at " + hex(symbol.value) + ", outside of the hypervisor");
      }
    }
    for (const UndefinedSymbol& symbol : loaded_.undefined()) {
      add("HP140-undefined-symbol", Severity::kNote, {.unit = {}, .symbol = symbol.name, .section = {}, .source = {}},
          symbol.name + " is looked up by name at upload, in Xen and in any payload that is loaded");
    }
  }

  /// Whether the hypervisor's own code has a call or jump to `address` in one of the functions that the payload replaces.
  [[nodiscard]] bool replaced_code_branches_to(TargetAddr address) const {
    for (const LoadedFunction& function : loaded_.functions()) {
      const auto code = loaded_.memory().read(function.old_addr, function.old_size);
      for (std::size_t at = 0; code && at + 5 <= code->size(); ++at) {
        // E8 and E9 are CALL and JMP rel32, 0F 80 to 0F 8F the conditional jumps; all count from the end of the field.
        const auto opcode = std::to_integer<std::uint8_t>((*code)[at]);
        const bool is_conditional = (opcode & 0xf0U) == 0x80 && at != 0 && (*code)[at - 1] == std::byte{0x0f};
        if (opcode != 0xe8 && opcode != 0xe9 && !is_conditional) continue;
        const std::int64_t displacement = load_le<std::int32_t>(*code, at + 1);
        if (function.old_addr + (at + 5) + static_cast<std::uint64_t>(displacement) == address) return true;
      }
    }
    return false;
  }

  void check_table_place() {
    const RawSection* section = loaded_.find(kFuncsSection);
    if (section == nullptr) return;
    if (section->load % 8 != 0)
      add("HP128-funcs-unaligned", Severity::kError, in_section(kFuncsSection, 0),
          "the table of functions is at " + hex(section->load) + ", not a multiple of 8");
    if (!section->is_writable()) {
      add("HP147-funcs-read-only", Severity::kNote, in_section(kFuncsSection, 0),
          "the table is read-only, which Xen 4.17.1, 4.17.2 and 4.18.0 do not survive: they write to it");
    }
  }

  /// A Xen without the table leaves the calls as they are, to functions whose ENDBR64 it has taken away.
  void check_alternative_calls() {
    const RawSection* section = loaded_.find(kAltCallsSection);
    if (section == nullptr || section->size == 0 || xen_.has_alt_call_table()) return;
    add("HP104-unknown-section", Severity::kError, in_section(section->name, 0),
        "this Xen has its alternative calls in .altinstructions, and does nothing for " + std::string(section->name) +
            " of a payload: the calls would stay indirect");
  }

  const Emulator& loaded_;
  const Hypervisor& xen_;
  Diagnostics& findings_;
};

bool is_special(std::string_view name) noexcept {
  return name == kFuncsSection || name == kMetadataSection || name == kAltCallsSection || name == kBuildIdSection ||
         name == kDependsSection || name == kXenDependsSection || name == ".altinstructions" || name == ".altinstr_replacement" ||
         name == ".ex_table" || name.starts_with(".bug_frames.") || name.starts_with(kHooksPrefix);
}

}  // namespace

void find_section_hazards(const Emulator& loaded, Diagnostics& findings) {
  std::map<std::string_view, unsigned> seen;
  for (std::size_t number = 1; number < loaded.sections().size(); ++number) {
    const RawSection& section = loaded.sections()[number];
    const Place where{.unit = {}, .symbol = {}, .section = std::string(section.name), .source = {}};
    if (is_special(section.name)) {
      if (!section.is_allocated() && section.size != 0) {
        findings.add({.rule = "HP120-not-allocated",
                      .severity = Severity::kError,
                      .where = where,
                      .text = std::string(section.name) + " is not allocated: Xen does not check that and reads it at address 0",
                      .remedy = "set SHF_ALLOC"});
      }
      if (++seen[section.name] == 2) {
        findings.add({.rule = "HP142-duplicate-section",
                      .severity = Severity::kError,
                      .where = where,
                      .text = "there are several sections " + std::string(section.name) + ", and Xen uses the first",
                      .remedy = "merge them"});
      }
    }
    if (!section.is_allocated()) continue;
    for (const std::string_view pattern : kUnsupportedSections) {
      if (!matches(pattern, section.name) || section.size == 0) continue;
      findings.add(
          {.rule = "HP104-unknown-section",
           .severity = Severity::kError,
           .where = where,
           .text = "Xen does nothing for " + std::string(section.name) + " in a payload, and what needs it would not work",
           .remedy = {}});
    }
  }
}

void find_hazards(const Emulator& loaded, const Hypervisor& xen, Diagnostics& findings) { Hazards(loaded, xen, findings).run(); }

}  // namespace hotpatch::xen::check

// SPDX-License-Identifier: GPL-2.0-or-later
//
// Payloads to be damaged: one that Xen accepts, made by the linker, and the means to change a field of it.
#pragma once

#include <cerrno>

#include "tests/unit/xen_link/synthetic.h"
#include "xen/check/check.h"

namespace hotpatch::xen::synthetic {

/// A payload file as bytes, with its sections found by name.
class Damaged {
 public:
  explicit Damaged(Bytes file) : bytes(std::move(file)) {
    const auto object = elf::parse_object(bytes, "payload");
    REQUIRE_MESSAGE(object, (object ? "" : object.error().message()));
    for (const elf::Section& section : object->sections()) names.emplace_back(section.name);
    table = load_le<std::uint64_t>(bytes, offsetof(Elf64_Ehdr, e_shoff));
  }
  [[nodiscard]] std::size_t number(std::string_view name) const {
    for (std::size_t index = 1; index < names.size(); ++index) {
      if (names[index] == name) return index;
    }
    FAIL("no section ", name);
    return 0;
  }
  /// The place of a field of the section's header.
  [[nodiscard]] std::size_t header(std::string_view name, std::size_t field) const {
    return table + number(name) * sizeof(Elf64_Shdr) + field;
  }
  [[nodiscard]] std::size_t contents(std::string_view name) const {
    return load_le<std::uint64_t>(bytes, header(name, offsetof(Elf64_Shdr, sh_offset)));
  }
  template <typename T>
  Damaged& set(std::size_t at, T value) {
    store_le<T>(bytes, at, value);
    return *this;
  }
  Damaged& set_flags(std::string_view name, std::uint64_t flags) {
    return set<std::uint64_t>(header(name, offsetof(Elf64_Shdr, sh_flags)), flags);
  }
  Damaged& set_size(std::string_view name, std::uint64_t size) {
    return set<std::uint64_t>(header(name, offsetof(Elf64_Shdr, sh_size)), size);
  }
  /// Its name becomes another, of the same length or shorter.
  Damaged& rename(std::string_view name, std::string_view other) {
    const auto offset = load_le<std::uint32_t>(bytes, header(name, 0));
    const std::size_t place = contents(".shstrtab") + offset;
    for (std::size_t index = 0; index < name.size(); ++index)
      set<char>(place + index, index < other.size() ? other[index] : '\0');
    return *this;
  }
  [[nodiscard]] std::size_t function_field(std::size_t entry, std::size_t field) const {
    return contents(".livepatch.funcs") + entry * kFuncSize + field;
  }
  [[nodiscard]] std::size_t relocation(std::string_view section, std::size_t index) const {
    return contents(".rela" + std::string(section)) + index * sizeof(Elf64_Rela);
  }
  [[nodiscard]] std::size_t symbol(std::size_t index) const { return contents(".symtab") + index * sizeof(Elf64_Sym); }

  Bytes bytes;
  std::vector<std::string> names;
  std::uint64_t table = 0;
};

/// Two functions with a string, a call, a bug frame, an exception, an alternative, a load hook and metadata.
inline PatchMaker full_patch() {
  using extract::BlockKind;
  using target::FixupKind;
  PatchMaker maker;
  const auto victim = maker.splice("victim");
  Bytes& code = maker.patch.blocks[victim.value()].contents;
  code[10] = std::byte{0x0f};
  code[11] = std::byte{0x0b};
  const auto string = maker.block(".LC0", ".rodata.victim.str1.1", BlockKind::kReadOnly, Bytes(8), 1);
  maker.fix(victim, 3, FixupKind::kPcRel32, string, -4);
  maker.fix(victim, 16, FixupKind::kBranch32, maker.global("helper"), -4, true);
  (void)maker.splice("endbr_victim");
  const auto hook = maker.text("the_hook");
  std::copy(kEndbr64.begin(), kEndbr64.end(), maker.patch.blocks[hook.value()].contents.begin());
  const auto hooks = maker.block("", ".livepatch.hooks.load", BlockKind::kHooks, Bytes(8), 8);
  maker.fix(hooks, 0, FixupKind::kAbs64, hook, 0);
  const auto frames = maker.block("", ".bug_frames.2", BlockKind::kTable, Bytes(8), 4);
  maker.fix(frames, 0, FixupKind::kPcRel32, victim, (std::int64_t{0x4c} << 24) + 10);
  maker.fix(frames, 4, FixupKind::kPcRel32, string, (std::int64_t{3} << 24) + 4);
  const auto handler = maker.block("", ".fixup", BlockKind::kCompanion, Bytes(8, std::byte{0x90}), 1);
  const auto exceptions = maker.block("", ".ex_table", BlockKind::kTable, Bytes(8), 4);
  maker.fix(exceptions, 0, FixupKind::kPcRel32, victim, 20);
  maker.fix(exceptions, 4, FixupKind::kPcRel32, handler, 0);
  const auto replacement = maker.block("", ".altinstr_replacement", BlockKind::kCompanion, Bytes(3, std::byte{0x90}), 1);
  Bytes record(14);
  record[8] = std::byte{0x21};
  record[10] = std::byte{2};
  record[11] = std::byte{3};
  record[12] = std::byte{1};
  const auto alternatives = maker.block("", ".altinstructions", BlockKind::kTable, record, 1);
  maker.fix(alternatives, 0, FixupKind::kPcRel32, victim, 24);
  maker.fix(alternatives, 4, FixupKind::kPcRel32, replacement, 0);
  return maker;
}

class World {
 public:
  explicit World(bool with_alt_calls = false) : image_(make_image(with_alt_calls)), xen_(make_hypervisor(image_)) {}
  [[nodiscard]] Damaged payload() const {
    const PatchMaker maker = full_patch();
    const LinkedPayload linked = link({maker.unit()}, image_);
    REQUIRE_MESSAGE(!linked.file.empty(), linked.report.findings.text());
    return Damaged(linked.file);
  }
  [[nodiscard]] Damaged payload_of(const PatchMaker& maker) const {
    const LinkedPayload linked = link({maker.unit()}, image_);
    REQUIRE_MESSAGE(!linked.file.empty(), linked.report.findings.text());
    return Damaged(linked.file);
  }
  [[nodiscard]] CheckReport check(const Bytes& file) const {
    auto report = check_payload(file, xen_);
    REQUIRE(report);
    return *std::move(report);
  }
  [[nodiscard]] CheckReport check(const Damaged& damaged) const { return check(damaged.bytes); }
  [[nodiscard]] const elf::Image& image() const { return image_; }
  [[nodiscard]] const Hypervisor& xen() const { return xen_; }

 private:
  static Hypervisor make_hypervisor(const elf::Image& image) {
    auto xen = Hypervisor::make(image);
    REQUIRE_MESSAGE(xen, (xen ? "" : xen.error().message()));
    return *xen;
  }
  elf::Image image_;
  Hypervisor xen_;
};

inline void check_refused(const CheckReport& report, int error, std::string_view reason) {
  INFO(report_text(report));
  CHECK(report.upload.response == Response::kRefused);
  CHECK(report.upload.error == error);
  CHECK(report.upload.reason.find(reason) != std::string::npos);
  CHECK(report.verdict == Verdict::kRefused);
}

inline void check_dangerous(const CheckReport& report, std::string_view rule) {
  INFO(report_text(report));
  CHECK(report.verdict == Verdict::kDangerous);
  CHECK(has_rule(report.findings, rule));
}

/// The first entry becomes NOPs: its new address loses the relocation.
inline Damaged nops(const Damaged& good, std::size_t entry, std::uint32_t size) {
  Damaged damaged = good;
  const std::size_t relocation = good.relocation(".livepatch.funcs", entry * 2 + 1);
  const auto info = load_le<std::uint64_t>(good.bytes, relocation + 8);
  damaged.set<std::uint64_t>(relocation + 8, ELF64_R_INFO(ELF64_R_SYM(info), R_X86_64_NONE));
  return damaged.set<std::uint32_t>(good.function_field(entry, kFuncNewSizeOffset), size);
}

}  // namespace hotpatch::xen::synthetic

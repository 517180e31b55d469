// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/linux/module_image.h"

#include <algorithm>
#include <map>
#include <span>
#include <vector>

#include <elf.h>

#include "common/support/checked_math.h"
#include "common/target/fixup.h"

namespace hotpatch::buildenv {
namespace {

/// Room that no object of the module reaches over, so that no foreign address is inside of another symbol.
constexpr std::uint64_t kForeignStep = 16;
class Loader {
 public:
  Loader(Bytes file, const std::string& name) : file_(std::move(file)), name_(name) {}

  Result<elf::Image> run() {
    HP_TRY(check_header());
    place_sections();
    for (std::size_t i = 0; i < count_; ++i)
      if (word<std::uint32_t>(header(i), 4) == SHT_SYMTAB) HP_TRY(place_symbols(i));
    for (std::size_t i = 0; i < count_; ++i)
      if (word<std::uint32_t>(header(i), 4) == SHT_RELA) HP_TRY(relocate(i));
    store_le<std::uint16_t>(file_, offsetof(Elf64_Ehdr, e_type), ET_EXEC);
    HP_ASSIGN(elf::Object object, elf::parse_object(std::move(file_), name_));
    return elf::Image::make(std::move(object));
  }

 private:
  template <typename T>
  [[nodiscard]] T word(std::uint64_t place, std::uint64_t offset) const {
    return load_le<T>(file_, place + offset);
  }
  [[nodiscard]] std::uint64_t header(std::size_t section) const { return headers_ + section * sizeof(Elf64_Shdr); }
  [[nodiscard]] bool is_inside(std::uint64_t offset, std::uint64_t size) const {
    return offset <= file_.size() && size <= file_.size() - offset;
  }
  [[nodiscard]] tl::unexpected<Error> malformed(const std::string& what) const {
    return fail(Errc::kMalformed, name_ + ": " + what);
  }

  Result<> check_header() {
    if (file_.size() < sizeof(Elf64_Ehdr) || as_text(ByteView(file_).first(6)) != std::string_view("\177ELF\2\1", 6) ||
        word<std::uint16_t>(offsetof(Elf64_Ehdr, e_type), 0) != ET_REL)
      return malformed("not a kernel module");
    headers_ = word<std::uint64_t>(offsetof(Elf64_Ehdr, e_shoff), 0);
    count_ = word<std::uint16_t>(offsetof(Elf64_Ehdr, e_shnum), 0);
    if (!is_inside(headers_, count_ * sizeof(Elf64_Shdr))) return malformed("its section headers are not in the file");
    for (std::size_t i = 0; i < count_; ++i) {
      const bool in_file = word<std::uint32_t>(header(i), 4) != SHT_NOBITS && word<std::uint32_t>(header(i), 4) != SHT_NULL;
      if (in_file && !is_inside(word<std::uint64_t>(header(i), 24), word<std::uint64_t>(header(i), 32)))
        return malformed("section " + std::to_string(i) + " is not in the file");
    }
    return {};
  }

  void place_sections() {
    addresses_.assign(count_, 0);
    std::uint64_t next = kModuleBase;
    for (std::size_t i = 0; i < count_; ++i) {
      if ((word<std::uint64_t>(header(i), 8) & SHF_ALLOC) == 0) continue;
      const std::uint64_t alignment = std::max<std::uint64_t>(1, word<std::uint64_t>(header(i), 48));
      next = align_up(next, alignment);
      addresses_[i] = next;
      store_le<std::uint64_t>(file_, header(i) + 16, next);
      next += word<std::uint64_t>(header(i), 32) + 1;  // no two sections touch: an end of one is not the other's beginning
    }
  }

  Result<> place_symbols(std::size_t table) {
    const auto begin = word<std::uint64_t>(header(table), 24);
    const auto size = word<std::uint64_t>(header(table), 32);
    std::uint64_t next = kForeignBase;
    for (std::uint64_t at = begin; at + sizeof(Elf64_Sym) <= begin + size; at += sizeof(Elf64_Sym)) {
      const auto section = word<std::uint16_t>(at, offsetof(Elf64_Sym, st_shndx));
      auto value = word<std::uint64_t>(at, offsetof(Elf64_Sym, st_value));
      if (section == SHN_UNDEF && at != begin) {
        value = next;
        next += kForeignStep;
        store_le<std::uint16_t>(file_, at + offsetof(Elf64_Sym, st_shndx), SHN_ABS);
      } else if (section < count_ && section != SHN_UNDEF) {
        value += addresses_[section];
      }
      store_le<std::uint64_t>(file_, at + offsetof(Elf64_Sym, st_value), value);
      values_.push_back(value);
    }
    return {};
  }

  Result<> relocate(std::size_t table) {
    const auto target = word<std::uint32_t>(header(table), 44);
    if (target >= count_ || (word<std::uint64_t>(header(target), 8) & SHF_ALLOC) == 0) return {};
    const auto begin = word<std::uint64_t>(header(table), 24);
    const auto size = word<std::uint64_t>(header(table), 32);
    const std::span<std::byte> content =
        std::span(file_).subspan(word<std::uint64_t>(header(target), 24), word<std::uint64_t>(header(target), 32));
    for (std::uint64_t at = begin; at + sizeof(Elf64_Rela) <= begin + size; at += sizeof(Elf64_Rela)) {
      const auto offset = word<std::uint64_t>(at, offsetof(Elf64_Rela, r_offset));
      const auto info = word<std::uint64_t>(at, offsetof(Elf64_Rela, r_info));
      const auto addend = word<std::int64_t>(at, offsetof(Elf64_Rela, r_addend));
      const auto kind = target::fixup_kind(static_cast<std::uint32_t>(ELF64_R_TYPE(info)));
      const std::string where = "relocation at " + hex(offset) + " of section " + std::to_string(target);
      if (!kind)
        return fail(Errc::kUnsupported,
                    name_ + ": " + where + ": " + target::relocation_name(static_cast<std::uint32_t>(ELF64_R_TYPE(info))));
      const std::uint64_t symbol = ELF64_R_SYM(info);
      if (symbol >= values_.size() || offset > content.size() || target::fixup_size(*kind) > content.size() - offset)
        return malformed(where + " is outside");
      HP_TRY_DOING(name_ + ": " + where, target::apply_fixup(*kind, content, offset, TargetAddr(values_[symbol]), addend,
                                                             TargetAddr(addresses_[target] + offset)));
    }
    return {};
  }

  Bytes file_;
  const std::string& name_;
  std::uint64_t headers_ = 0;
  std::size_t count_ = 0;
  std::vector<std::uint64_t> addresses_;  // by section
  std::vector<std::uint64_t> values_;     // by symbol
};

}  // namespace

Result<elf::Image> module_image(Bytes file, const std::string& name) { return Loader(std::move(file), name).run(); }

}  // namespace hotpatch::buildenv

// SPDX-License-Identifier: GPL-2.0-or-later
#include "linux/payload/module_info.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <sstream>
#include <utility>

#include "common/elf/object.h"

namespace hotpatch::kernel::payload {
namespace {

// gABI, "ELF Header" and "Section Header", for ELFCLASS64. Only what leads to a section by its name is read: live-patch modules have
// section indices and relocation sections that a general reader must refuse.
constexpr std::size_t kHeaderSize = 64;
constexpr std::size_t kSectionSize = 64;
constexpr std::uint32_t kNoBits = 8;
constexpr std::uint16_t kRelocatable = 1;
constexpr std::uint16_t kX86_64 = 62;
/// Linux 6.1, include/linux/module_signature.h: MODULE_SIG_STRING.
constexpr std::string_view kSignatureMark = "~Module signature appended~\n";

class SectionFinder {
 public:
  static Result<SectionFinder> open(ByteView file) {
    if (file.size() < kHeaderSize || load_le<std::uint32_t>(file, 0) != 0x464C457F || load_le<std::uint8_t>(file, 4) != 2 ||
        load_le<std::uint8_t>(file, 5) != 1)
      return fail(Errc::kMalformed, "not a 64-bit ELF file");
    if (load_le<std::uint16_t>(file, 16) != kRelocatable || load_le<std::uint16_t>(file, 18) != kX86_64)
      return fail(Errc::kMalformed, "not a relocatable file for x86-64");
    SectionFinder made(file);
    made.table_ = load_le<std::uint64_t>(file, 40);
    made.count_ = load_le<std::uint16_t>(file, 60);
    const std::size_t names = load_le<std::uint16_t>(file, 62);
    if (load_le<std::uint16_t>(file, 58) != kSectionSize || made.table_ > file.size() ||
        (file.size() - made.table_) / kSectionSize < made.count_ || names >= made.count_)
      return fail(Errc::kMalformed, "the section headers lie outside of the file");
    HP_ASSIGN(made.names_, made.content(names));
    return made;
  }

  /// Of the first section of that name; nothing if there is none.
  [[nodiscard]] Result<std::optional<ByteView>> find(std::string_view wanted) const {
    const std::string_view names = as_text(names_);
    for (std::size_t i = 1; i < count_; ++i) {
      const std::size_t at = load_le<std::uint32_t>(file_, header(i));
      if (at >= names.size()) return fail(Errc::kMalformed, "a section's name lies outside of the names");
      if (names.substr(at, names.find('\0', at) - at) != wanted) continue;
      HP_ASSIGN(const ByteView found, content(i));
      return std::optional(found);
    }
    return std::optional<ByteView>();
  }

 private:
  explicit SectionFinder(ByteView file) : file_(file) {}
  [[nodiscard]] std::size_t header(std::size_t index) const { return static_cast<std::size_t>(table_) + index * kSectionSize; }
  [[nodiscard]] Result<ByteView> content(std::size_t index) const {
    if (load_le<std::uint32_t>(file_, header(index) + 4) == kNoBits) return ByteView();
    const std::uint64_t offset = load_le<std::uint64_t>(file_, header(index) + 24);
    const std::uint64_t size = load_le<std::uint64_t>(file_, header(index) + 32);
    if (offset > file_.size() || size > file_.size() - offset)
      return fail(Errc::kMalformed, "section " + std::to_string(index) + " lies outside of the file");
    return file_.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(size));
  }

  ByteView file_;
  std::uint64_t table_ = 0;
  std::size_t count_ = 0;
  ByteView names_;
};

}  // namespace

std::string ModuleInfo::value(std::string_view key) const { return std::string(value_of(entries, key).value_or("")); }

std::vector<std::string> ModuleInfo::values(std::string_view key) const {
  std::vector<std::string> found;
  for (const auto& entry : entries)
    if (entry.first == key) found.push_back(entry.second);
  return found;
}

Result<ModuleInfo> read_module_info(ByteView file) {
  HP_ASSIGN(const SectionFinder sections, SectionFinder::open(file));
  HP_ASSIGN(const std::optional<ByteView> entries, sections.find(".modinfo"));
  if (!entries) return fail(Errc::kMalformed, "it has no .modinfo: not a kernel module");
  ModuleInfo info;
  info.entries = parse_key_values(as_text(*entries));
  HP_ASSIGN(const std::optional<ByteView> note, sections.find(".note.gnu.build-id"));
  if (note) {
    HP_ASSIGN(info.build_id, elf::build_id_of_note(*note));
  }
  info.is_signed = as_text(file).ends_with(kSignatureMark);
  return info;
}

std::vector<std::string> dependencies(const ModuleInfo& info) {
  std::vector<std::string> names;
  const std::string list = info.value("depends");
  for (std::size_t at = 0; at < list.size();) {
    const std::size_t end = std::min(list.find(',', at), list.size());
    std::string name = list.substr(at, end - at);
    std::replace(name.begin(), name.end(), '-', '_');
    if (!name.empty()) names.push_back(std::move(name));
    at = end + 1;
  }
  return names;
}

std::vector<std::string> soft_dependencies(const ModuleInfo& info) {
  std::vector<std::string> names;
  for (const std::string& line : info.values("softdep")) {
    std::istringstream words(line);
    bool comes_before = false;
    for (std::string word; words >> word;) {
      if (word.ends_with(':')) {
        comes_before = word == "pre:";
      } else if (comes_before) {
        std::replace(word.begin(), word.end(), '-', '_');
        names.push_back(std::move(word));
      }
    }
  }
  return names;
}

Result<std::vector<TargetModule>> target_modules(const ModuleInfo& info) {
  std::vector<TargetModule> targets;
  for (const std::string& value : info.values(kTargetKey)) {
    const std::size_t space = value.find(' ');
    if (space == 0 || space == std::string::npos)
      return fail(Errc::kMalformed, std::string(kTargetKey) + "=" + value + ": not a module's name and its build ID");
    TargetModule target;
    target.name = value.substr(0, space);
    HP_ASSIGN_DOING(std::string(kTargetKey) + "=" + value, target.build_id, BuildId::parse(value.substr(space + 1)));
    targets.push_back(std::move(target));
  }
  return targets;
}

}  // namespace hotpatch::kernel::payload

// SPDX-License-Identifier: GPL-2.0-or-later
//
// The linker's last step: symbols, the file, and the build ID that follows from the file's content.
#include <elf.h>

#include <algorithm>
#include <map>

#include "common/elf/object_builder.h"
#include "common/link/file_id.h"
#include "common/support/digest.h"
#include "xen/link/linker.h"
#include "xen/payload/payload.h"

namespace hotpatch::xen {
namespace {

/// Eight hexadecimal digits that no other payload has: of all content, before symbols and build ID.
std::string content_tag(const Output& output, const LinkOptions& options) {
  ByteWriter all;
  all.write_bytes(as_byte_view(options.patch_digest));
  for (const OutputSection& section : output.sections()) {
    all.write_bytes(as_byte_view(section.name));
    all.write<std::uint64_t>(section.size());
    all.write_bytes(section.contents);
    for (const PendingRelocation& relocation : section.relocations) {
      all.write<std::uint64_t>(relocation.offset);
      all.write<std::uint64_t>(relocation.section.value_or(0));
      all.write<std::uint64_t>(relocation.address.value());
      all.write<std::int64_t>(relocation.addend);
    }
  }
  const Bytes content = std::move(all).take();
  return sha256_text(content).substr(0, 8);
}

/// "NAME.hp_0123abcd": Xen refuses a payload with a symbol whose name it or another loaded payload has (common/livepatch.c,
/// build_symbol_table), and cuts names at its limit, so the part that makes them unique must be within it.
class SymbolNames {
 public:
  explicit SymbolNames(std::string tag) : tag_(std::move(tag)) {}

  std::string make(const std::string& name) {
    const unsigned count = ++used_[name];
    const std::string suffix = ".hp_" + tag_ + (count == 1 ? "" : "." + std::to_string(count));
    return name.substr(0, kMaxSymbolSize - 1 - suffix.size()) + suffix;
  }

 private:
  std::string tag_;
  std::map<std::string, unsigned> used_;
};

}  // namespace

Result<Bytes> Linker::write() {
  elf::ObjectBuilder builder;
  std::vector<elf::SectionIndex> indices(output_.sections().size());
  for (std::size_t number = 0; number < output_.sections().size(); ++number) {
    const OutputSection& section = output_.sections()[number];
    if (!section.is_in_file()) continue;
    indices[number] = builder.add_section({.name = section.name,
                                           .type = section.type,
                                           .flags = section.flags,
                                           .alignment = section.alignment,
                                           .contents = section.contents,
                                           .nobits_size = section.type == SHT_NOBITS ? section.zero_size : 0});
  }

  SymbolNames names(content_tag(output_, options_));
  for (std::size_t unit = 0; unit < units_.size(); ++unit) {
    const std::vector<extract::Block>& blocks = units_[unit].patch->blocks;
    for (std::size_t number = 0; number < blocks.size(); ++number) {
      const BlockRef reference{.unit = unit, .block = extract::BlockIndex(number)};
      const extract::Block& block = blocks[number];
      if (block.kind != extract::BlockKind::kText || block.name.empty()) continue;
      const Placement& place = placed_.at(reference);
      const std::string name = names.make(block.name);
      (void)builder.add_symbol({.name = name,
                                .type = elf::SymbolType::kFunction,
                                .place = elf::SymbolPlace::kSection,
                                .section = indices[place.section],
                                .value = place.offset,
                                .size = block.contents.size()});
      symbol_names_.emplace(reference, name);
    }
  }
  for (std::size_t number = 0; number < spliced_.size(); ++number) {
    const auto found = symbol_names_.find({.unit = spliced_[number].unit, .block = spliced_[number].replacement});
    if (found != symbol_names_.end()) report_.functions[number].symbol = found->second;
  }

  // One SHN_ABS symbol for each name and address. Xen takes their values as they are and does not enter them in the payload's table.
  std::map<std::pair<TargetAddr, std::string>, elf::SymbolIndex> absolute;
  for (std::size_t number = 0; number < output_.sections().size(); ++number) {
    for (const PendingRelocation& relocation : output_.sections()[number].relocations) {
      elf::SymbolIndex symbol;
      if (relocation.section) {
        symbol = builder.section_symbol(indices[*relocation.section]);
      } else {
        const auto [entry, is_new] = absolute.try_emplace({relocation.address, relocation.name});
        if (is_new) {
          entry->second = builder.add_symbol(
              {.name = relocation.name, .place = elf::SymbolPlace::kAbsolute, .value = relocation.address.value()});
        }
        symbol = entry->second;
      }
      builder.add_relocation(
          indices[number], {.offset = relocation.offset, .type = relocation.type, .symbol = symbol, .addend = relocation.addend});
    }
  }

  HP_ASSIGN(link::WrittenFile written, link::write_with_build_id(builder, indices[output_.index_of(kBuildIdSection)]));
  report_.build_id = std::move(written.build_id);
  return std::move(written.file);
}

}  // namespace hotpatch::xen

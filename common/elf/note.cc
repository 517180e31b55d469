// SPDX-License-Identifier: GPL-2.0-or-later
#include <elf.h>

#include "common/elf/object.h"
#include "common/support/checked_math.h"

namespace hotpatch::elf {
namespace {

constexpr std::string_view kGnuName("GNU\0", 4);

}  // namespace

Result<BuildId> build_id_of_note(ByteView note_section) {
  // ELF-64 notes: namesz, descsz and type as 32-bit words, then the name and the descriptor, each padded to 4 bytes (gABI, "Note
  // Section"; GNU tools use 4 for ELF-64 too).
  ByteReader reader(note_section);
  while (reader.remaining() >= sizeof(Elf64_Nhdr)) {
    HP_ASSIGN(const auto name_size, reader.read<std::uint32_t>("n_namesz"));
    HP_ASSIGN(const auto descriptor_size, reader.read<std::uint32_t>("n_descsz"));
    HP_ASSIGN(const auto type, reader.read<std::uint32_t>("n_type"));
    HP_ASSIGN(const ByteView name, reader.read_bytes(align_up(name_size, 4), "note name"));
    HP_ASSIGN(const ByteView descriptor, reader.read_bytes(descriptor_size, "note descriptor"));
    if (type == NT_GNU_BUILD_ID && as_text(name.first(name_size)) == kGnuName && descriptor_size > 0) return BuildId(descriptor);
    const std::uint64_t padding = align_up(descriptor_size, 4) - descriptor_size;
    if (reader.remaining() < padding) break;
    HP_TRY(reader.read_bytes(padding, "note padding"));
  }
  return BuildId();
}

Result<BuildId> build_id_of(const Object& object) {
  for (const Section& section : object.sections()) {
    if (section.type != SHT_NOTE) continue;
    HP_ASSIGN_DOING(object.name() + ": section " + std::string(section.name), BuildId build_id,
                    build_id_of_note(section.contents));
    if (!build_id.empty()) return build_id;
  }
  return BuildId();
}

}  // namespace hotpatch::elf

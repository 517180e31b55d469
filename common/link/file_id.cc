// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/link/file_id.h"

#include <elf.h>

#include <algorithm>

#include "common/support/digest.h"

namespace hotpatch::link {
namespace {

constexpr std::size_t kBuildIdSize = 20;  // of sha1

}  // namespace

Bytes build_id_note(ByteView id) {
  ByteWriter out;
  out.write<std::uint32_t>(4);
  out.write<std::uint32_t>(static_cast<std::uint32_t>(id.size()));
  out.write<std::uint32_t>(NT_GNU_BUILD_ID);
  out.write_bytes(as_byte_view(std::string_view("GNU\0", 4)));
  out.write_bytes(id);
  return std::move(out).take();
}

Bytes build_id_note_to_fill() { return build_id_note(Bytes(kBuildIdSize)); }

Result<WrittenFile> write_with_build_id(elf::ObjectBuilder& builder, elf::SectionIndex note) {
  HP_ASSIGN(const Bytes draft, builder.write());
  const Bytes id = sha1(draft);
  Bytes& contents = builder.section(note).contents;
  HP_CHECK(contents.size() > id.size(), "a note without room for the ID");
  std::copy(id.begin(), id.end(), contents.end() - static_cast<std::ptrdiff_t>(id.size()));
  HP_ASSIGN(Bytes file, builder.write());
  return WrittenFile{.file = std::move(file), .build_id = BuildId(id)};
}

}  // namespace hotpatch::link

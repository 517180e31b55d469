// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/fakes/sample_payload.h"

#include <elf.h>

#include <algorithm>

#include "common/support/check.h"
#include "xen/payload/payload.h"

namespace hotpatch::testing {
namespace {

Bytes note(const BuildId& id) {
  ByteWriter out;
  out.write<std::uint32_t>(4);
  out.write<std::uint32_t>(static_cast<std::uint32_t>(id.bytes().size()));
  out.write<std::uint32_t>(3);
  out.write_bytes(as_byte_view(std::string_view("GNU\0", 4)));
  out.write_bytes(id.bytes());
  return std::move(out).take();
}

Bytes function_entry(std::uint64_t old_addr, std::uint8_t expects) {
  Bytes entry(xen::kFuncSize);
  store_le<std::uint64_t>(entry, xen::kFuncOldAddrOffset, old_addr);
  store_le<std::uint32_t>(entry, xen::kFuncNewSizeOffset, 20);
  store_le<std::uint32_t>(entry, xen::kFuncOldSizeOffset, 12);
  store_le<std::uint8_t>(entry, xen::kFuncVersionOffset, xen::kFuncVersion);
  if (expects == 0) return entry;
  store_le<std::uint8_t>(entry, xen::kFuncExpectOffset, static_cast<std::uint8_t>(1U | unsigned{expects} << 1U));
  store_le<std::uint8_t>(entry, xen::kFuncExpectDataOffset, 0x48);
  return entry;
}

}  // namespace

BuildId sample_id(std::uint8_t fill) { return BuildId(Bytes(20, std::byte{fill})); }

elf::ObjectBuilder SamplePayload::build() const {
  elf::ObjectBuilder builder;
  constexpr std::size_t kHook = 0x20;
  Bytes code(0x60);
  std::copy(xen::kEndbr64.begin(), xen::kEndbr64.end(), code.begin() + kHook);
  const auto text = builder.add_section({.name = ".text", .flags = SHF_ALLOC | SHF_EXECINSTR, .alignment = 16, .contents = code});
  if (has_data)
    (void)builder.add_section({.name = ".data", .flags = SHF_ALLOC | SHF_WRITE, .alignment = 8, .contents = Bytes(16)});
  const ByteView function = as_byte_view(std::string_view("do_it\0", 6));
  const auto strings = builder.add_section(
      {.name = ".livepatch.strings", .flags = SHF_ALLOC, .contents = Bytes(function.begin(), function.end())});
  const auto funcs = builder.add_section({.name = ".livepatch.funcs",
                                          .flags = static_cast<std::uint64_t>(funcs_allocated ? SHF_ALLOC | SHF_WRITE : 0),
                                          .alignment = 8,
                                          .contents = function_entry(old_addr, expects)});
  builder.add_relocation(funcs, {.offset = 0, .type = R_X86_64_64, .symbol = builder.section_symbol(strings), .addend = 0});
  builder.add_relocation(funcs, {.offset = 8, .type = R_X86_64_64, .symbol = builder.section_symbol(text), .addend = 0x40});
  if (has_veto) {
    const auto hooks =
        builder.add_section({.name = ".livepatch.hooks.preapply", .flags = SHF_ALLOC, .alignment = 8, .contents = Bytes(8)});
    builder.add_relocation(hooks, {.offset = 0, .type = R_X86_64_64, .symbol = builder.section_symbol(text), .addend = kHook});
  }
  const auto add_note = [&builder](const char* section, const BuildId& which) {
    (void)builder.add_section({.name = section, .type = SHT_NOTE, .flags = SHF_ALLOC, .alignment = 4, .contents = note(which)});
  };
  add_note(".note.gnu.build-id", sample_id(id));
  add_note(".livepatch.depends", sample_id(depends));
  add_note(".livepatch.xen_depends", sample_id(xen_depends));
  KeyValues entries = {{"name", name}, {"fixes", "XSA-1"}, {"linked", xen::format_linked_for(0)}};
  entries.insert(entries.end(), manifest.begin(), manifest.end());
  Result<Bytes> metadata = xen::format_metadata({.entries = entries, .load_address = 0});
  HP_CHECK(metadata.has_value(), "the sample's metadata are good");
  const auto word = xen::load_address_offset(*metadata);
  const auto modinfo = builder.add_section({.name = ".modinfo", .flags = SHF_ALLOC, .contents = *metadata});
  builder.add_relocation(modinfo, {.offset = *word, .type = R_X86_64_64, .symbol = builder.section_symbol(text), .addend = 0});
  return builder;
}

Bytes SamplePayload::file() const {
  Result<Bytes> made = build().write();
  HP_CHECK(made.has_value(), "the sample can be written");
  return *std::move(made);
}

}  // namespace hotpatch::testing

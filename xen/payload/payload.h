// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a Xen payload file is: names, sizes and offsets that Xen's loader knows, and what a payload says about itself.
//
// Sources: Xen 4.17 include/public/sysctl.h (struct livepatch_func, limits), include/xen/livepatch.h (section names),
// common/livepatch.c (what the loader makes of them). The layout of livepatch_func is the same from 4.14 to 4.22.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/elf/object.h"
#include "common/support/address.h"
#include "common/support/build_id.h"
#include "common/support/bytes.h"
#include "common/support/result.h"
#include "xen/payload/metadata.h"

namespace hotpatch::xen {

inline constexpr std::string_view kFuncsSection = ".livepatch.funcs";
inline constexpr std::string_view kStringsSection = ".livepatch.strings";
inline constexpr std::string_view kDependsSection = ".livepatch.depends";
inline constexpr std::string_view kXenDependsSection = ".livepatch.xen_depends";
inline constexpr std::string_view kBuildIdSection = ".note.gnu.build-id";
inline constexpr std::string_view kMetadataSection = ".modinfo";
/// Alternative calls, from 4.21 on: the distance of each call from its record, 4 bytes (struct alt_call, asm/alternative-call.h).
inline constexpr std::string_view kAltCallsSection = ".alt_call_sites";
inline constexpr std::size_t kAltCallSize = 4;
/// Bytes of such a call, "call *disp32(%rip)".
inline constexpr std::size_t kAltCallLength = 6;
inline constexpr std::string_view kHooksPrefix = ".livepatch.hooks.";

/// Bytes of a payload file that Xen accepts, and of each of its NOBITS sections.
inline constexpr std::uint64_t kMaxPayloadSize = std::uint64_t{2} << 20;
/// Fewer sections than this.
inline constexpr std::uint32_t kMaxSections = 1024;
/// Bytes of a payload's name, its NUL included.
inline constexpr std::size_t kMaxNameSize = 128;
/// Bytes of a payload symbol's name in Xen's table, its NUL included (KSYM_NAME_LEN); longer ones are cut.
inline constexpr std::size_t kMaxSymbolSize = 127;
inline constexpr std::uint64_t kPageSize = 4096;

inline constexpr std::size_t kFuncSize = 104;
inline constexpr std::uint8_t kFuncVersion = 2;
inline constexpr std::size_t kFuncNameOffset = 0;
inline constexpr std::size_t kFuncNewAddrOffset = 8;
inline constexpr std::size_t kFuncOldAddrOffset = 16;
inline constexpr std::size_t kFuncNewSizeOffset = 24;
inline constexpr std::size_t kFuncOldSizeOffset = 28;
inline constexpr std::size_t kFuncVersionOffset = 32;
inline constexpr std::size_t kFuncExpectOffset = 72;  // bit 0: enabled; bits 1-5: length; bits 6-7: zero
inline constexpr std::size_t kFuncExpectDataOffset = 73;
inline constexpr std::size_t kMaxExpectation = 31;

/// The jump that Xen writes at a function's entry, after an ENDBR64 if there is one.
inline constexpr std::uint32_t kJumpSize = 5;
inline constexpr std::uint32_t kEndbrSize = 4;
inline constexpr std::array<std::byte, 4> kEndbr64 = {std::byte{0xf3}, std::byte{0x0f}, std::byte{0x1e}, std::byte{0xfa}};
/// What boot writes over it, on a CPU with IBT, where nothing calls indirectly any more.
inline constexpr std::array<std::byte, 4> kEndbrPoison = {std::byte{0x66}, std::byte{0x0f}, std::byte{0x1f}, std::byte{0x01}};
/// Whether Xen will write its jump behind the first kEndbrSize bytes of `code`: they are ENDBR64, or what boot makes of it.
[[nodiscard]] bool starts_with_endbr(ByteView code) noexcept;
/// That jump at `from`, kJumpSize bytes, to `target`.
[[nodiscard]] Bytes jump_to(std::uint64_t target, std::uint64_t from);
/// Has the record of .livepatch.funcs that starts at `record` of `file` expect `bytes`, at most kMaxExpectation of them, at its old
/// address. Precondition: kFuncSize bytes are there.
void store_expectation(Bytes& file, std::size_t record, ByteView bytes);

enum class HookKind : std::uint8_t { kLoad, kUnload, kPreApply, kApply, kPostApply, kPreRevert, kRevert, kPostRevert };
inline constexpr std::size_t kHookKinds = 8;
/// "load", "preapply": the section's name without kHooksPrefix.
[[nodiscard]] std::string_view hook_name(HookKind kind) noexcept;
[[nodiscard]] std::optional<HookKind> hook_kind(std::string_view section_name) noexcept;
/// A hook that may refuse (pre…) or follows one (post…): a payload that has it cannot be part of a REPLACE.
[[nodiscard]] bool is_vetoing(HookKind kind) noexcept;

/// A place in the payload, known when it is loaded: byte `offset` of section `section`.
struct PayloadPlace {
  elf::SectionIndex section;
  std::uint64_t offset = 0;
};

/// One entry of .livepatch.funcs.
struct PayloadFunction {
  std::string name;
  TargetAddr old_addr;                    // 0: Xen looks `name` up
  std::optional<PayloadPlace> new_place;  // nothing: old_addr's first new_size bytes become NOPs
  std::uint32_t old_size = 0;             // bytes
  std::uint32_t new_size = 0;             // bytes
  std::optional<Bytes> expect;  // the bytes that must be at old_addr for the payload to be applied; nothing: not checked
};

struct PayloadHook {
  HookKind kind = HookKind::kLoad;
  std::uint32_t count = 0;
};

/// Where Xen's loader puts a section: bytes from the load address B, which is the start of the text region.
struct SectionLayout {
  elf::SectionIndex section;
  std::uint64_t offset = 0;
};

/// The three regions of a loaded payload: text at B, then writable, then read-only data, each at a page boundary.
struct PayloadLayout {
  std::uint64_t text_size = 0;  // bytes
  std::uint64_t rw_offset = 0;  // bytes from B
  std::uint64_t rw_size = 0;
  std::uint64_t ro_offset = 0;
  std::uint64_t ro_size = 0;
  std::uint64_t pages = 0;
  std::vector<SectionLayout> sections;  // the allocated ones, in the file's order

  [[nodiscard]] std::optional<std::uint64_t> offset_of(elf::SectionIndex section) const noexcept;
};

/// What Xen's loader will do with the allocated sections of `object`. kMalformed if sizes overflow or exceed what a payload can be;
/// kUnsupported for a section that is both writable and executable.
Result<PayloadLayout> layout_of(const elf::Object& object);

struct PayloadInfo {
  std::string name;  // of the metadata; else the name given to read_payload
  BuildId build_id;
  BuildId depends;
  BuildId xen_depends;
  std::vector<PayloadFunction> functions;
  std::vector<PayloadHook> hooks;                  // by kind
  Metadata metadata;                               // load_address is that of the file: 0 unless it was linked for an address
  std::optional<std::uint64_t> load_address_word;  // offset in .modinfo of the word that Xen relocates to the load address
  PayloadLayout layout;
  std::uint64_t file_size = 0;
  bool reappliable = false;  // after a revert Xen applies it again without a new upload (no writable data of its own)
  bool replaceable = false;  // Xen lets it take part in a REPLACE (no vetoing hook)
};

/// Reads any payload file, ours or not. `name` is the file's, for messages. kMalformed or kUnsupported as parse_object, and if a
/// mandatory note, a function entry or the metadata contradict the format. It does not say whether Xen would accept it: xen/check does.
Result<PayloadInfo> read_payload(Bytes file, std::string name);
Result<PayloadInfo> read_payload(const elf::Object& object);

}  // namespace hotpatch::xen

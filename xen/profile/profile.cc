// SPDX-License-Identifier: GPL-2.0-or-later
#include "xen/profile/profile.h"

#include <array>

namespace hotpatch::xen {
namespace {

using target::Field;
using target::FieldKind;
using target::SectionRole;

// struct alt_instr, packed: xen/arch/x86/include/asm/alternative.h. cpuid's top bit is ALT_FLAG_NOT.
constexpr auto kAlternative = std::to_array<Field>({
    {.offset = 0, .size = 4, .kind = FieldKind::kOwner, .name = "orig_offset"},
    {.offset = 4, .size = 4, .kind = FieldKind::kCode, .name = "repl_offset"},
    {.offset = 8, .size = 2, .kind = FieldKind::kBits, .name = "cpuid"},
    {.offset = 10, .size = 1, .kind = FieldKind::kBits, .name = "orig_len"},
    {.offset = 11, .size = 1, .kind = FieldKind::kBits, .name = "repl_len"},
    {.offset = 12, .size = 1, .kind = FieldKind::kBits, .name = "pad_len"},
    {.offset = 13, .size = 1, .kind = FieldKind::kBits, .name = "priv"},
});

// struct exception_table_entry: xen/arch/x86/include/asm/uaccess.h. Both count from their own places.
constexpr auto kException = std::to_array<Field>({
    {.offset = 0, .size = 4, .kind = FieldKind::kOwner, .name = "addr"},
    {.offset = 4, .size = 4, .kind = FieldKind::kCode, .name = "cont"},
});

// struct bug_frame: xen/arch/x86/include/asm/bug.h. Both displacements are 24 bits wide and count from the start of the frame; the line
// number is split over the top bits of the two words.
constexpr auto kBugFrame = std::to_array<Field>({
    {.offset = 0, .size = 4, .kind = FieldKind::kOwner, .name = "loc_disp", .line_bits = 8, .from_record_start = true},
    {.offset = 4, .size = 4, .kind = FieldKind::kKey, .name = "ptr_disp", .line_bits = 8, .from_record_start = true},
});
constexpr auto kAssertFrame = std::to_array<Field>({
    {.offset = 0, .size = 4, .kind = FieldKind::kOwner, .name = "loc_disp", .line_bits = 8, .from_record_start = true},
    {.offset = 4, .size = 4, .kind = FieldKind::kKey, .name = "ptr_disp", .line_bits = 8, .from_record_start = true},
    {.offset = 8, .size = 4, .kind = FieldKind::kBits, .name = "msg_disp[0]"},
    {.offset = 12, .size = 4, .kind = FieldKind::kKey, .name = "msg_disp[1]", .from_record_start = true},
});

// struct alt_call of 4.21: xen/arch/x86/include/asm/alternative-call.h. Until 4.20 an alternative call is a record of .altinstructions.
constexpr auto kAlternativeCall = std::to_array<Field>({
    {.offset = 0, .size = 4, .kind = FieldKind::kOwner, .name = "offset"},
});

constexpr auto kSpecialSections = std::to_array<target::SpecialSection>({
    {".altinstructions", 14, kAlternative, ".altinstr_replacement", 11, 10},
    {".alt_call_sites", 4, kAlternativeCall, "", -1, -1},
    {".ex_table", 8, kException, ".fixup", -1, -1},
    {".bug_frames.0", 8, kBugFrame, "", -1, -1},
    {".bug_frames.1", 8, kBugFrame, "", -1, -1},
    {".bug_frames.2", 8, kBugFrame, "", -1, -1},
    {".bug_frames.3", 16, kAssertFrame, "", -1, -1},
});

// xen/arch/x86/xen.lds.S says what becomes of each.
constexpr auto kSectionRules = std::to_array<target::SectionRule>({
    {".livepatch.hooks.*", SectionRole::kHooks},
    {".altinstr_replacement", SectionRole::kCompanion},
    {".fixup", SectionRole::kCompanion},
    {".discard", SectionRole::kDiscarded},
    {".discard.*", SectionRole::kDiscarded},
    {".comment", SectionRole::kMetadata},
    {".note.*", SectionRole::kMetadata},
    {".eh_frame", SectionRole::kMetadata},
    {".init.setup", SectionRole::kBootTable},
    {".initcall*", SectionRole::kBootTable},
    {".data.param*", SectionRole::kBootTable},
    {".data.schedulers", SectionRole::kBootTable},
    {".data.vpci.*", SectionRole::kBootTable},
    {".init.*", SectionRole::kInit},
    {".exit.*", SectionRole::kInit},
    {".ex_table.pre", SectionRole::kEntryCode},
    {".text.entry*", SectionRole::kEntryCode},
    {".text.page_aligned*", SectionRole::kEntryCode},
    {".bss.percpu*", SectionRole::kPerCpu},
    {".data.rel.ro*", SectionRole::kReadOnly},
    {".trampoline*", SectionRole::kInit},
});

constexpr auto kPrivateStatics = std::to_array<std::string_view>({"__func__", "__FUNCTION__", "__PRETTY_FUNCTION__", "CSWTCH"});

constexpr auto kWritableStorage = std::to_array<std::string_view>(
    {".data", ".bss", ".data.rel", ".data.rel.local", ".data.read_mostly", ".data.page_aligned", ".bss.page_aligned"});

// What runs while Xen patches itself, or what the NMI that it masks would enter (docs/misc/livepatch.pandoc, "Not Yet Done", and
// common/livepatch.c).
constexpr auto kPatchingPath = std::to_array<std::string_view>(
    {"check_for_livepatch_work", "livepatch_*", "arch_livepatch_*", "apply_payload", "revert_payload", "register_virtual_region",
     "relax_virtual_region_perms", "tighten_virtual_region_perms", "modify_xen_mappings_lite", "memcpy", "memcmp", "memset",
     "flush_area_local", "do_nmi", "do_machine_check", "mask_nmi_callback", "set_nmi_callback", "do_double_fault"});

// All CPUs meet with an empty stack each, and a virtual CPU leaves nothing on any: there is no older model to fall short of.
constexpr target::Consistency kConsistency = {target::Leave::kKernel, target::Switch::kKernel};

constexpr auto kContinuationCalls =
    std::to_array<std::string_view>({"hypercall_create_continuation", "continue_hypercall_on_cpu"});

constexpr target::Profile kProfile = {
    .name = "xen-x86_64",
    .special_sections = kSpecialSections,
    .section_rules = kSectionRules,
    .private_statics = kPrivateStatics,
    .splice_size = 5,
    .references_outlive_revert = true,
    .writable_storage = kWritableStorage,
    .consistency = kConsistency,
    .patching_path = kPatchingPath,
    .continuation_calls = kContinuationCalls,
};

}  // namespace

const target::Profile& profile() noexcept { return kProfile; }

}  // namespace hotpatch::xen

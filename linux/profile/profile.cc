// SPDX-License-Identifier: GPL-2.0-or-later
#include "linux/profile/profile.h"

#include <array>

namespace hotpatch::kernel {
namespace {

using target::Field;
using target::FieldKind;
using target::SectionRole;

// struct bug_entry: include/asm-generic/bug.h and arch/x86/include/asm/bug.h. Since 5.19 each displacement counts from its own place,
// before from the start of the entry. Without CONFIG_DEBUG_BUGVERBOSE there is no file; format is of 6.19.
constexpr auto kBug = std::to_array<Field>({
    {.offset = 0, .size = 4, .kind = FieldKind::kOwner, .name = "bug_addr_disp"},
    {.offset = 4, .size = 4, .kind = FieldKind::kKey, .name = "file_disp"},
    {.offset = 8, .size = 2, .kind = FieldKind::kLine, .name = "line"},
    {.offset = 10, .size = 2, .kind = FieldKind::kBits, .name = "flags"},
});
constexpr auto kBugFromStart = std::to_array<Field>({
    {.offset = 0, .size = 4, .kind = FieldKind::kOwner, .name = "bug_addr_disp"},
    {.offset = 4, .size = 4, .kind = FieldKind::kKey, .name = "file_disp", .from_record_start = true},
    {.offset = 8, .size = 2, .kind = FieldKind::kLine, .name = "line"},
    {.offset = 10, .size = 2, .kind = FieldKind::kBits, .name = "flags"},
});
constexpr auto kBugWithFormat = std::to_array<Field>({
    {.offset = 0, .size = 4, .kind = FieldKind::kOwner, .name = "bug_addr_disp"},
    {.offset = 4, .size = 4, .kind = FieldKind::kKey, .name = "format_disp"},
    {.offset = 8, .size = 4, .kind = FieldKind::kKey, .name = "file_disp"},
    {.offset = 12, .size = 2, .kind = FieldKind::kLine, .name = "line"},
    {.offset = 14, .size = 2, .kind = FieldKind::kBits, .name = "flags"},
});
constexpr auto kBugTerse = std::to_array<Field>({
    {.offset = 0, .size = 4, .kind = FieldKind::kOwner, .name = "bug_addr_disp"},
    {.offset = 4, .size = 4, .kind = FieldKind::kBits, .name = "flags"},
});

// struct alt_instr: arch/x86/include/asm/alternative.h. 14 bytes since 6.3 (flags), 12 from 5.13, 13 from 4.1 (padlen), 12 before.
constexpr auto kAlternative14 = std::to_array<Field>({
    {.offset = 0, .size = 4, .kind = FieldKind::kOwner, .name = "instr_offset"},
    {.offset = 4, .size = 4, .kind = FieldKind::kCode, .name = "repl_offset"},
    {.offset = 8, .size = 2, .kind = FieldKind::kBits, .name = "cpuid"},
    {.offset = 10, .size = 2, .kind = FieldKind::kBits, .name = "flags"},
    {.offset = 12, .size = 1, .kind = FieldKind::kBits, .name = "instrlen"},
    {.offset = 13, .size = 1, .kind = FieldKind::kBits, .name = "replacementlen"},
});
constexpr auto kAlternative13 = std::to_array<Field>({
    {.offset = 0, .size = 4, .kind = FieldKind::kOwner, .name = "instr_offset"},
    {.offset = 4, .size = 4, .kind = FieldKind::kCode, .name = "repl_offset"},
    {.offset = 8, .size = 2, .kind = FieldKind::kBits, .name = "cpuid"},
    {.offset = 10, .size = 1, .kind = FieldKind::kBits, .name = "instrlen"},
    {.offset = 11, .size = 1, .kind = FieldKind::kBits, .name = "replacementlen"},
    {.offset = 12, .size = 1, .kind = FieldKind::kBits, .name = "padlen"},
});
constexpr auto kAlternative12 = std::to_array<Field>({
    {.offset = 0, .size = 4, .kind = FieldKind::kOwner, .name = "instr_offset"},
    {.offset = 4, .size = 4, .kind = FieldKind::kCode, .name = "repl_offset"},
    {.offset = 8, .size = 2, .kind = FieldKind::kBits, .name = "cpuid"},
    {.offset = 10, .size = 1, .kind = FieldKind::kBits, .name = "instrlen"},
    {.offset = 11, .size = 1, .kind = FieldKind::kBits, .name = "replacementlen"},
});

// struct exception_table_entry: arch/x86/include/asm/extable.h. The third word is a handler from 4.6, a type and registers from 5.16.
constexpr auto kException12 = std::to_array<Field>({
    {.offset = 0, .size = 4, .kind = FieldKind::kOwner, .name = "insn"},
    {.offset = 4, .size = 4, .kind = FieldKind::kCode, .name = "fixup"},
    {.offset = 8, .size = 4, .kind = FieldKind::kKey, .name = "handler"},
});
constexpr auto kException8 = std::to_array<Field>({
    {.offset = 0, .size = 4, .kind = FieldKind::kOwner, .name = "insn"},
    {.offset = 4, .size = 4, .kind = FieldKind::kCode, .name = "fixup"},
});

// struct jump_entry: arch/x86/include/asm/jump_label.h. Relative since 4.20; the key's low bits are flags.
constexpr auto kJump16 = std::to_array<Field>({
    {.offset = 0, .size = 4, .kind = FieldKind::kOwner, .name = "code"},
    {.offset = 4, .size = 4, .kind = FieldKind::kCode, .name = "target"},
    {.offset = 8, .size = 8, .kind = FieldKind::kKey, .name = "key"},
});
constexpr auto kJump24 = std::to_array<Field>({
    {.offset = 0, .size = 8, .kind = FieldKind::kOwner, .name = "code"},
    {.offset = 8, .size = 8, .kind = FieldKind::kCode, .name = "target"},
    {.offset = 16, .size = 8, .kind = FieldKind::kKey, .name = "key"},
});

// struct static_call_site and static_call_tramp_key: include/linux/static_call_types.h. The key's low bits are flags.
constexpr auto kStaticCall = std::to_array<Field>({
    {.offset = 0, .size = 4, .kind = FieldKind::kOwner, .name = "addr"},
    {.offset = 4, .size = 4, .kind = FieldKind::kKey, .name = "key"},
});
constexpr auto kStaticCallKey = std::to_array<Field>({
    {.offset = 0, .size = 4, .kind = FieldKind::kOwner, .name = "tramp"},
    {.offset = 4, .size = 4, .kind = FieldKind::kKey, .name = "key"},
});

// struct paravirt_patch_site: arch/x86/include/asm/paravirt_types.h. The clobbers went away in 5.1, the table in 6.8.
constexpr auto kParavirt = std::to_array<Field>({
    {.offset = 0, .size = 8, .kind = FieldKind::kOwner, .name = "instr"},
    {.offset = 8, .size = 1, .kind = FieldKind::kBits, .name = "type"},
    {.offset = 9, .size = 1, .kind = FieldKind::kBits, .name = "len"},
    {.offset = 10, .size = 2, .kind = FieldKind::kBits, .name = "clobbers"},
});

// Lists of places: an s32 displacement, or an address.
constexpr auto kSite = std::to_array<Field>({{.offset = 0, .size = 4, .kind = FieldKind::kOwner, .name = "site"}});
constexpr auto kAddress = std::to_array<Field>({{.offset = 0, .size = 8, .kind = FieldKind::kOwner, .name = "address"}});

// struct orc_entry: arch/x86/include/asm/orc_types.h. Its places are in the other table.
constexpr auto kOrc = std::to_array<Field>({{.offset = 0, .size = 6, .kind = FieldKind::kBits, .name = "entry"}});

constexpr auto kSpecialSections = std::to_array<target::SpecialSection>({
    {"__bug_table", 12, kBug, "", -1, -1, "bug_entry"},
    {"__bug_table", 12, kBugFromStart, "", -1, -1, "bug_entry"},
    {"__bug_table", 16, kBugWithFormat, "", -1, -1, "bug_entry"},
    {"__bug_table", 8, kBugTerse, "", -1, -1, "bug_entry"},
    {".altinstructions", 12, kAlternative12, ".altinstr_replacement", 11, 10, "alt_instr"},
    {".altinstructions", 13, kAlternative13, ".altinstr_replacement", 11, 10, "alt_instr"},
    {".altinstructions", 14, kAlternative14, ".altinstr_replacement", 13, 12, "alt_instr"},
    {"__ex_table", 12, kException12, ".fixup", -1, -1, "exception_table_entry"},
    {"__ex_table", 8, kException8, ".fixup", -1, -1, "exception_table_entry"},
    {"__jump_table", 16, kJump16, "", -1, -1, "jump_entry"},
    {"__jump_table", 24, kJump24, "", -1, -1, "jump_entry"},
    {".static_call_sites", 8, kStaticCall, "", -1, -1, "static_call_site"},
    {".static_call_tramp_key", 8, kStaticCallKey, "", -1, -1, "static_call_tramp_key"},
    {".parainstructions", 16, kParavirt, "", -1, 9, "paravirt_patch_site", 10},
    {".smp_locks", 4, kSite, "", -1, -1},
    {".retpoline_sites", 4, kSite, "", -1, -1},
    {".return_sites", 4, kSite, "", -1, -1},
    {".call_sites", 4, kSite, "", -1, -1},
    {".ibt_endbr_seal", 4, kSite, "", -1, -1},
    {".cfi_sites", 4, kSite, "", -1, -1},
    {".kcfi_traps", 4, kSite, "", -1, -1},
    {"__mcount_loc", 8, kAddress, "", -1, -1},
    {"__patchable_function_entries", 8, kAddress, "", -1, -1},
    {".orc_unwind_ip", 4, kSite, "", -1, -1},
    {".orc_unwind", 6, kOrc, "", -1, -1, "orc_entry", 0, ".orc_unwind_ip"},
});

// include/asm-generic/vmlinux.lds.h, arch/x86/kernel/vmlinux.lds.S and scripts/module.lds.S say what becomes of each.
constexpr auto kSectionRules = std::to_array<target::SectionRule>({
    {".altinstr_replacement", SectionRole::kCompanion},
    {".fixup", SectionRole::kCompanion},
    {".discard", SectionRole::kDiscarded},
    {".discard.*", SectionRole::kDiscarded},
    {".comment", SectionRole::kMetadata},
    {".note*", SectionRole::kMetadata},
    {".eh_frame", SectionRole::kMetadata},
    {".sframe", SectionRole::kMetadata},
    {".orc_header", SectionRole::kMetadata},
    {".modinfo", SectionRole::kMetadata},
    {"__versions", SectionRole::kMetadata},
    {"__version_ext_*", SectionRole::kMetadata},
    {".printk_index", SectionRole::kMetadata},
    {".export_symbol", SectionRole::kMetadata},
    {"__ksymtab_strings", SectionRole::kMetadata},
    {"__kcrctab*", SectionRole::kMetadata},
    {"___kcrctab*", SectionRole::kMetadata},
    {".BTF*", SectionRole::kMetadata},
    {".kpatch.*", SectionRole::kMetadata},
    // Read when the kernel boots, or when a module is loaded, and never again.
    {".initcall*", SectionRole::kBootTable},
    {".con_initcall*", SectionRole::kBootTable},
    {".security_initcall*", SectionRole::kBootTable},
    {".rootfs_initcall*", SectionRole::kBootTable},
    {".exitcall.exit", SectionRole::kBootTable},
    {".init.setup", SectionRole::kBootTable},
    {".x86_cpu_dev.init", SectionRole::kBootTable},
    {".x86_intel_mid_dev.init", SectionRole::kBootTable},
    {".apicdrivers", SectionRole::kBootTable},
    {".iommu_table*", SectionRole::kBootTable},
    {".lsm_info.init", SectionRole::kBootTable},
    {".early_lsm_info.init", SectionRole::kBootTable},
    {".kunit_*", SectionRole::kBootTable},
    {".pci_fixup*", SectionRole::kBootTable},
    {".builtin_fw", SectionRole::kBootTable},
    {".tracedata", SectionRole::kBootTable},
    {"__param", SectionRole::kBootTable},
    {"__modver", SectionRole::kBootTable},
    {"__ksymtab*", SectionRole::kBootTable},
    {"___ksymtab*", SectionRole::kBootTable},
    {"__tracepoints", SectionRole::kBootTable},
    {"__tracepoints_ptrs", SectionRole::kBootTable},
    {"__tracepoints_strings", SectionRole::kPlain},
    {"__tracepoint_str", SectionRole::kBootTable},
    {"__trace_printk_fmt", SectionRole::kBootTable},
    {"_ftrace_events", SectionRole::kBootTable},
    {"_ftrace_eval_map", SectionRole::kBootTable},
    {"_ftrace_annotated_branch", SectionRole::kBootTable},
    {"_ftrace_branch", SectionRole::kBootTable},
    {"__bpf_raw_tp_map", SectionRole::kBootTable},
    {"__syscalls_metadata", SectionRole::kBootTable},
    {"__event_filters", SectionRole::kBootTable},
    {"_error_injection_whitelist", SectionRole::kBootTable},
    {"_kprobe_blacklist", SectionRole::kBootTable},
    {"__dyndbg_classes", SectionRole::kBootTable},
    {"__clk_of_table", SectionRole::kBootTable},
    {"__timer_of_table", SectionRole::kBootTable},
    {"__irqchip_*", SectionRole::kBootTable},
    {"__reservedmem_of_table", SectionRole::kBootTable},
    {"__earlycon_table", SectionRole::kBootTable},
    {"__thermal_table_*", SectionRole::kBootTable},
    {".init.*", SectionRole::kInit},
    {".exit.*", SectionRole::kInit},
    {".head.*", SectionRole::kInit},
    {".meminit.*", SectionRole::kInit},
    {".memexit.*", SectionRole::kInit},
    {".cpuinit.*", SectionRole::kInit},
    {".cpuexit.*", SectionRole::kInit},
    {".devinit.*", SectionRole::kInit},
    {".devexit.*", SectionRole::kInit},
    {".x86_trampoline", SectionRole::kInit},
    {".entry.text*", SectionRole::kEntryCode},
    {".text.entry*", SectionRole::kEntryCode},
    {".noinstr.text*", SectionRole::kUntraced},
    {".data..percpu*", SectionRole::kPerCpu},
    {".data.rel.ro*", SectionRole::kReadOnly},
    {".data..Lubsan*", SectionRole::kPrivate},
    {".data..L__unnamed_*", SectionRole::kPrivate},
    {".data.once", SectionRole::kPrivate},
    {".data..once", SectionRole::kPrivate},
    {"__dyndbg", SectionRole::kPrivate},
    {"__verbose", SectionRole::kPrivate},
    // Ordinary content that the linker script gathers.
    {".altinstr_aux", SectionRole::kPlain},
    {".static_call.text", SectionRole::kPlain},
    {".ref.text", SectionRole::kPlain},
    {".ref.data", SectionRole::kPlain},
    {".ref.rodata", SectionRole::kPlain},
    {".sched.text", SectionRole::kPlain},
    {".cpuidle.text", SectionRole::kPlain},
    {".lock.text", SectionRole::kPlain},
    {".spinlock.text", SectionRole::kPlain},
    {".kprobes.text", SectionRole::kPlain},
    {".irqentry.text", SectionRole::kPlain},
    {".softirqentry.text", SectionRole::kPlain},
    {".coldtext", SectionRole::kPlain},
    {".gnu.linkonce.this_module", SectionRole::kPlain},
});

// Lockdep's classes, once flags, rate limits, printk's indices, dynamic debugging's descriptors, and what compilers make of switches.
constexpr auto kPrivateStatics = std::to_array<std::string_view>(
    {"__func__", "__FUNCTION__", "__PRETTY_FUNCTION__", "CSWTCH", "__key", "__warned", "__already_done", "__print_once", "_rs",
     "_entry", "_entry_ptr", "descriptor", "__msg", "__UNIQUE_ID_ddebug", "__UNIQUE_ID_addressable_"});
constexpr auto kNumberedPrefixes = std::to_array<std::string_view>({"__UNIQUE_ID_"});
// __initcall_id() (include/linux/init.h, since 5.9): the module, __COUNTER__, __LINE__, the function. Whatever else counts moves it.
constexpr auto kCountedPrefixes = std::to_array<std::string_view>({"__initcall__", "__initstub__"});
constexpr auto kPrefixSymbols = std::to_array<std::string_view>({"__pfx_", "__cfi_"});
constexpr auto kEntrySections = std::to_array<std::string_view>({"__mcount_loc", "__patchable_function_entries"});
// Macros that pass __LINE__ on: include/asm-generic/bug.h (before 4.11 and 5.3), kernel.h (might_sleep and its kin), rcupdate.h,
// rtnetlink.h, fs/btrfs/ctree.h and messages.h, fs/ext4/ext4.h and ext4_jbd2.h. All took it at the same place as long as they have had it.
constexpr auto kLineArguments = std::to_array<target::LineArgument>({
    {"warn_slowpath_null", 2},
    {"warn_slowpath_fmt", 2},
    {"warn_slowpath_fmt_taint", 2},
    {"__might_sleep", 2},
    {"___might_sleep", 2},
    {"__might_resched", 2},
    {"__might_fault", 2},
    {"__cant_sleep", 2},
    {"__cant_migrate", 2},
    {"lockdep_rcu_suspicious", 2},
    {"__btrfs_abort_transaction", 3},
    {"__btrfs_handle_fs_error", 3},
    {"__btrfs_std_error", 3},
    {"__btrfs_panic", 3},
    {"__ext4_error", 3},
    {"__ext4_error_inode", 3},
    {"__ext4_error_file", 3},
    {"__ext4_std_error", 3},
    {"__ext4_abort", 3},
    {"__ext4_warning", 3},
    {"__ext4_warning_inode", 3},
    {"__ext4_grp_locked_error", 2},
    {"__ext4_handle_dirty_metadata", 2},
    {"__ext4_journal_get_write_access", 2},
    {"__ext4_journal_get_create_access", 2},
    {"__ext4_forget", 2},
    {"printk", 3, "RTNL: assertion failed at %s (%d)\n"},
    {"__warn_printk", 3, "RTNL: assertion failed at %s (%d)\n"},
});
constexpr auto kExportSections = std::to_array<std::string_view>({"__ksymtab", "___ksymtab"});
constexpr auto kWritableStorage =
    std::to_array<std::string_view>({".data", ".bss", ".data.rel", ".data.rel.local", ".data..read_mostly",
                                     ".data..cacheline_aligned", ".data..page_aligned", ".bss..page_aligned"});
constexpr auto kEntryCalls = std::to_array<std::string_view>({"__fentry__", "mcount"});

// struct _ddebug: lineno is the low 18 bits of the word behind four pointers. struct source_location (lib/ubsan.h): line and column behind
// the file's name.
constexpr auto kDataLines = std::to_array<target::DataLine>({
    {"__dyndbg", 32, 0x3ffff},
    {"__verbose", 32, 0x3ffff},
    {".data..Lubsan*", 8, 0xffffffff},
    {".data..L__unnamed_*", 8, 0xffffffff},
});

// Per task, once its stack holds none of the patched functions (Documentation/livepatch/livepatch.rst).
constexpr target::Consistency kConsistency = {target::Leave::kChangedSet, target::Switch::kThread};

// What the tracer, the switch of tasks and the rewriting of code run through; the old code runs where the tracer recurs.
constexpr auto kPatchingPath = std::to_array<std::string_view>(
    {"klp_*", "__klp_*", "ftrace_*", "__ftrace_*", "text_poke*", "stack_trace_save_tsk_reliable", "arch_stack_walk_reliable",
     "stop_machine*", "multi_cpu_stop", "do_nmi", "exc_nmi*", "default_do_nmi", "do_machine_check", "exc_machine_check",
     "exc_double_fault", "poke_int3_handler"});
constexpr auto kThreadLoopCalls = std::to_array<std::string_view>(
    {"kthread_should_stop", "kthread_should_park", "kthread_should_stop_or_park", "kthread_freezable_should_stop"});
constexpr auto kThreadStartCalls =
    std::to_array<std::string_view>({"kthread_create_on_node", "kthread_create_on_cpu", "kthread_run_on_cpu", "kernel_thread",
                                     "kthread_run", "kthread_create", "smpboot_register_percpu_thread"});
constexpr auto kOnceFlags = std::to_array<std::string_view>({"__warned", "__already_done", "__print_once", "___done"});

constexpr target::Profile kProfile = {
    .name = "linux-x86_64",
    .special_sections = kSpecialSections,
    .section_rules = kSectionRules,
    .private_statics = kPrivateStatics,
    .splice_size = 5,
    .references_outlive_revert = true,
    .numbered_prefixes = kNumberedPrefixes,
    .counted_prefixes = kCountedPrefixes,
    .data_lines = kDataLines,
    .prefix_symbols = kPrefixSymbols,
    .entry_sections = kEntrySections,
    .entry_calls = kEntryCalls,
    .writable_storage = kWritableStorage,
    .line_arguments = kLineArguments,
    .export_sections = kExportSections,
    .consistency = kConsistency,
    .patching_path = kPatchingPath,
    .thread_loop_calls = kThreadLoopCalls,
    .thread_start_calls = kThreadStartCalls,
    .once_flags = kOnceFlags,
};

}  // namespace

const target::Profile& profile() noexcept { return kProfile; }

}  // namespace hotpatch::kernel

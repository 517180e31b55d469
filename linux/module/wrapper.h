// SPDX-License-Identifier: GPL-2.0-or-later
//
// The source of a module's wrapper: the tables that the kernel's livepatch core reads, and init and exit. It is C, compiled against the
// target's own headers, since the layout of those tables and of struct module is each kernel's own affair.
//
// The user's hooks are functions with fixed names in a file of their own, which may use anything of the kernel, exported or not:
//
//   int  hotpatch_pre_patch_OBJECT(struct klp_object *);    before a function of OBJECT is redirected; an error refuses the patch
//   void hotpatch_post_patch_OBJECT(struct klp_object *);   when every thread runs the new functions
//   void hotpatch_pre_unpatch_OBJECT(struct klp_object *);  before the patch is taken back
//   void hotpatch_post_unpatch_OBJECT(struct klp_object *); when every thread runs the old functions
//   struct klp_state hotpatch_states[];                     ends with an element of zeros
//
// OBJECT is "vmlinux" or a module's name.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/support/build_id.h"
#include "linux/module/gate.h"

namespace hotpatch::kernel {

/// The name by which the wrapper refers to the entry of the N-th replacing function.
[[nodiscard]] std::string entry_symbol(std::size_t number);

/// The kernel's ELF notes, by which the wrapper finds out whether it is in the kernel that it was made for. It is reached by this name: a
/// distance from anything else means something in that kernel alone.
inline constexpr std::string_view kNotesSymbol = "__start_notes";

struct WrapperFunction {
  std::string name;  // of the original
  std::uint32_t position = 0;
  std::size_t number = 0;  // of entry_symbol()
};

struct WrapperObject {
  std::string name;  // "vmlinux", "binfmt_misc"
  std::vector<WrapperFunction> functions;
};

struct WrapperPlan {
  std::string module_name;
  BuildId build_id;              // of the kernel
  std::uint64_t notes_size = 0;  // bytes of the kernel's ELF notes, which hold it
  std::string release;
  std::vector<WrapperObject> objects;
  bool replace = true;
  /// The kernel does not clear what it relocated when a patched module goes (before 6.3): the wrapper does.
  bool clears_relocations = false;
  bool has_gates = false;                    // gate.h
  std::vector<GateRange> ranges;             // of the gates
  std::set<std::string, std::less<>> hooks;  // names of the functions and of the table that the user's file defines
};

[[nodiscard]] std::string wrapper_source(const WrapperPlan& plan);

/// Whether the name is one of those above; `object` then is what it is for (empty for the table of states).
[[nodiscard]] bool is_hook_name(std::string_view name, std::string& object);

}  // namespace hotpatch::kernel

// SPDX-License-Identifier: GPL-2.0-or-later
#include <doctest/doctest.h>

#include "linux/module/module.h"
#include "linux/module/wrapper.h"

namespace hotpatch::kernel {
namespace {

bool has(const std::string& text, const std::string& what) { return text.find(what) != std::string::npos; }

WrapperPlan plan() {
  WrapperPlan made;
  made.module_name = "hotpatch_x";
  made.build_id = BuildId(Bytes(20, std::byte{0xab}));
  made.objects = {{.name = "binfmt_misc", .functions = {{.name = "bm_status_read", .position = 0, .number = 1}}},
                  {.name = "vmlinux", .functions = {{.name = "c_start", .position = 2, .number = 0}}}};
  return made;
}

TEST_CASE("the tables name each function and its number") {
  const std::string text = wrapper_source(plan());
  CHECK(has(text, "{ .old_name = \"c_start\", .new_func = (void *)hotpatch_entry_0, .old_sympos = 2 }"));
  CHECK(has(text, "{ .old_name = \"bm_status_read\", .new_func = (void *)hotpatch_entry_1, .old_sympos = 0 }"));
  CHECK(has(text, ".name = \"binfmt_misc\""));
  CHECK(!has(text, ".name = \"vmlinux\""));
  CHECK(has(text, "0xab, 0xab"));
  CHECK(has(text, ".replace = true"));
  CHECK(!has(text, "post_unpatch"));
}

TEST_CASE("relocations of modules are cleared where the kernel does not") {
  WrapperPlan wanted = plan();
  wanted.clears_relocations = true;
  wanted.replace = false;
  const std::string text = wrapper_source(wanted);
  CHECK(has(text, ".callbacks.post_unpatch = hp_post_unpatch_0"));
  CHECK(!has(text, "hp_post_unpatch_1"));
  CHECK(has(text, ".replace = false"));
}

TEST_CASE("the user's hooks are called, and clearing follows them") {
  WrapperPlan wanted = plan();
  wanted.clears_relocations = true;
  wanted.hooks = {"hotpatch_pre_patch_binfmt_misc", "hotpatch_post_unpatch_binfmt_misc", "hotpatch_post_patch_vmlinux",
                  "hotpatch_states"};
  const std::string text = wrapper_source(wanted);
  CHECK(has(text, ".callbacks.pre_patch = hp_pre_patch_0"));
  CHECK(has(text, "extern int hotpatch_pre_patch_binfmt_misc(struct klp_object *object);"));
  CHECK(has(text, "\thotpatch_post_unpatch_binfmt_misc(object);\n\thp_clear_relocations(object);"));
  CHECK(has(text, ".callbacks.post_patch = hotpatch_post_patch_vmlinux"));
  CHECK(has(text, ".states = hotpatch_states"));
}

TEST_CASE("a hook's name says what it is for") {
  std::string object;
  CHECK(is_hook_name("hotpatch_pre_patch_nf_tables", object));
  CHECK(object == "nf_tables");
  CHECK(is_hook_name("hotpatch_states", object));
  CHECK(object.empty());
  CHECK(!is_hook_name("hotpatch_pre_patch_", object));
  CHECK(!is_hook_name("hotpatch_other", object));
}

TEST_CASE("a module's name is made of what a name may have") {
  CHECK(default_module_name("0044-fs--binfmt.v2") == "hotpatch_0044_fs_binfmt_v2");
  CHECK(default_module_name(std::string(100, 'x')).size() == 55);
}

}  // namespace
}  // namespace hotpatch::kernel

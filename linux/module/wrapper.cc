// SPDX-License-Identifier: GPL-2.0-or-later
#include "linux/module/wrapper.h"

#include <array>

#include "common/support/bytes.h"
#include "linux/module/exports.h"

namespace hotpatch::kernel {
namespace {

constexpr std::array<std::string_view, 4> kCallbacks = {"pre_patch", "post_patch", "pre_unpatch", "post_unpatch"};
constexpr std::string_view kStates = "hotpatch_states";

std::string hook_name(std::string_view callback, const std::string& object) {
  return "hotpatch_" + std::string(callback) + "_" + object;
}

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

// kernel/livepatch/core.c has no part in these names; they begin with hp_ so that nothing of the kernel's headers has them.
constexpr std::string_view kHead = R"(// SPDX-License-Identifier: GPL-2.0
/* Generated. The symbols of the kernel that it uses and that are not exported are found as those of the patch are. */
#include <linux/elf.h>
#include <linux/init.h>
#include <linux/livepatch.h>
#include <linux/memory.h>
#include <linux/module.h>
#include <linux/string.h>
#include <asm/text-patching.h>

__visible struct module __this_module __section(".gnu.linkonce.this_module") = {
	.name = KBUILD_MODNAME,
	.init = init_module,
	.exit = cleanup_module,
	.arch = MODULE_ARCH_INIT,
};

extern const char __start_notes[];

/* The release does not tell builds of one ABI apart, and the addresses in the patch are those of one build. */
static bool __init hp_is_expected_kernel(void)
{
	const char *at = __start_notes;
	const char *end;

	asm("" : "+r"(at)); /* one relocation, and not another for the end */
	end = at + HP_NOTES_SIZE;
	while (at + sizeof(Elf64_Nhdr) <= end) {
		const Elf64_Nhdr *note = (const Elf64_Nhdr *)at;
		const char *name = at + sizeof(*note);
		const char *id = name + ALIGN(note->n_namesz, 4);

		if (note->n_type == 3 && note->n_namesz == 4 && !memcmp(name, "GNU", 4))
			return note->n_descsz == sizeof(hp_build_id) && !memcmp(id, hp_build_id, sizeof(hp_build_id));
		at = id + ALIGN(note->n_descsz, 4);
	}
	return false;
}
)";

constexpr std::string_view kClear = R"(
/*
 * Before 6.3 the kernel leaves what it relocated as it is when a patched module goes, and refuses to relocate it again when the module
 * comes back: the module could not be loaded any more. Nothing runs in the code that is written here.
 */
static void hp_clear_relocations(struct klp_object *object)
{
	static const u64 zero;
	const struct klp_modinfo *info = THIS_MODULE->klp_info;
	const size_t length = strlen(object->name);
	unsigned int i, j;

	if (object->mod && object->mod->state == MODULE_STATE_LIVE)
		return;
	for (i = 1; i < info->hdr.e_shnum; i++) {
		const Elf_Shdr *section = info->sechdrs + i;
		const char *name = info->secstrings + section->sh_name;
		const Elf_Rela *relocations = (const Elf_Rela *)section->sh_addr;
		const char *base;

		if (!(section->sh_flags & SHF_RELA_LIVEPATCH) || strncmp(name, ".klp.rela.", 10))
			continue;
		if (strncmp(name + 10, object->name, length) || name[10 + length] != '.')
			continue;
		base = (const char *)info->sechdrs[section->sh_info].sh_addr;
		mutex_lock(&text_mutex);
		for (j = 0; j < section->sh_size / sizeof(*relocations); j++) {
			const bool is_wide = ELF_R_TYPE(relocations[j].r_info) == R_X86_64_64 ||
					     ELF_R_TYPE(relocations[j].r_info) == R_X86_64_PC64;

			text_poke((void *)(base + relocations[j].r_offset), &zero, is_wide ? 8 : 4);
		}
		mutex_unlock(&text_mutex);
	}
}
)";

constexpr std::string_view kTail = R"(
int __init init_module(void)
{
	if (!hp_is_expected_kernel()) {
		pr_err("%s: made for another build of this kernel\n", KBUILD_MODNAME);
		return -ENOEXEC;
	}
	return klp_enable_patch(&hp_patch);
}

void __exit cleanup_module(void)
{
)";

class Writer {
 public:
  explicit Writer(const WrapperPlan& plan) : plan_(plan) {}

  std::string run() {
    text_ = kHead;
    // The digest stands before its user.
    const std::string marker = "/* The release";
    text_.insert(text_.find(marker), "#define HP_NOTES_SIZE " + std::to_string(plan_.notes_size) +
                                         "\nstatic const unsigned char hp_build_id[] __initconst = {" + id_bytes() + "};\n\n");
    if (plan_.clears_relocations) text_ += kClear;
    if (plan_.has_gates) text_ += gate_source(plan_.ranges);
    for (const WrapperObject& object : plan_.objects) write_object(object);
    text_ += "\nstatic struct klp_object hp_objects[] = {\n";
    for (std::size_t i = 0; i < plan_.objects.size(); ++i) write_entry(i);
    text_ += "\t{ }\n};\n";
    if (plan_.hooks.contains(kStates)) text_ += "\nextern struct klp_state hotpatch_states[];\n";
    text_ += "\nstatic struct klp_patch hp_patch = {\n\t.mod = THIS_MODULE,\n\t.objs = hp_objects,\n";
    if (plan_.hooks.contains(kStates)) text_ += "\t.states = hotpatch_states,\n";
    text_ += std::string("\t.replace = ") + (plan_.replace ? "true" : "false") + ",\n};\n";
    text_ += kTail;
    if (plan_.has_gates) text_ += "\tcancel_delayed_work_sync(&hp_work);\n";
    return text_ + "}\n";
  }

 private:
  [[nodiscard]] std::string id_bytes() const {
    std::string text;
    for (const std::byte byte : plan_.build_id.bytes())
      text += (text.empty() ? " " : ", ") + hex(std::to_integer<std::uint64_t>(byte));
    return text + " ";
  }

  [[nodiscard]] bool clears(const WrapperObject& object) const { return plan_.clears_relocations && object.name != kKernelOwner; }

  void write_object(const WrapperObject& object) {
    const std::size_t number = static_cast<std::size_t>(&object - plan_.objects.data());
    const std::string suffix = "_" + std::to_string(number);
    text_ += "\n";
    for (const WrapperFunction& function : object.functions)
      text_ += "extern const char " + entry_symbol(function.number) + "[];\n";
    for (const std::string_view callback : kCallbacks)
      if (has_hook(callback, object))
        text_ += std::string(callback == "pre_patch" ? "extern int " : "extern void ") + hook_name(callback, object.name) +
                 "(struct klp_object *object);\n";
    if (plan_.has_gates) write_gate_callbacks(object, suffix);
    text_ += "static struct klp_func hp_functions" + suffix + "[] = {\n";
    for (const WrapperFunction& function : object.functions)
      text_ += "\t{ .old_name = " + quoted(function.name) + ", .new_func = (void *)" + entry_symbol(function.number) +
               ", .old_sympos = " + std::to_string(function.position) + " },\n";
    text_ += "\t{ }\n};\n";
    if (!clears(object)) return;
    if (has_hook("pre_patch", object))
      text_ += "\nstatic int hp_pre_patch" + suffix +
               "(struct klp_object *object)\n{\n\tconst int error = " + hook_name("pre_patch", object.name) +
               "(object);\n\n\tif (error)\n\t\thp_clear_relocations(object);\n\treturn error;\n}\n";
    text_ += "\nstatic void hp_post_unpatch" + suffix + "(struct klp_object *object)\n{\n";
    if (has_hook("post_unpatch", object)) text_ += "\t" + hook_name("post_unpatch", object.name) + "(object);\n";
    text_ += "\thp_clear_relocations(object);\n}\n";
  }

  void write_gate_callbacks(const WrapperObject& object, const std::string& suffix) {
    text_ += "\nstatic void hp_post_patch" + suffix + "(struct klp_object *object)\n{\n";
    if (has_hook("post_patch", object)) text_ += "\t" + hook_name("post_patch", object.name) + "(object);\n";
    text_ += "\thp_open_gate(object);\n}\n\nstatic void hp_pre_unpatch" + suffix +
             "(struct klp_object *object)\n{\n\thp_close_gate(object);\n";
    if (has_hook("pre_unpatch", object)) text_ += "\t" + hook_name("pre_unpatch", object.name) + "(object);\n";
    text_ += "}\n\n";
  }

  void write_entry(std::size_t number) {
    const WrapperObject& object = plan_.objects[number];
    const std::string suffix = "_" + std::to_string(number);
    text_ += "\t{\n";
    if (object.name != kKernelOwner) text_ += "\t\t.name = " + quoted(object.name) + ",\n";
    text_ += "\t\t.funcs = hp_functions" + suffix + ",\n";
    for (const std::string_view callback : kCallbacks) {
      std::string function;
      if (has_hook(callback, object)) function = hook_name(callback, object.name);
      if (clears(object) && callback == "post_unpatch") function = "hp_post_unpatch" + suffix;
      if (clears(object) && callback == "pre_patch" && !function.empty()) function = "hp_pre_patch" + suffix;
      if (plan_.has_gates && callback == "post_patch") function = "hp_post_patch" + suffix;
      if (plan_.has_gates && callback == "pre_unpatch") function = "hp_pre_unpatch" + suffix;
      if (!function.empty()) text_ += "\t\t.callbacks." + std::string(callback) + " = " + function + ",\n";
    }
    text_ += "\t},\n";
  }

  [[nodiscard]] bool has_hook(std::string_view callback, const WrapperObject& object) const {
    return plan_.hooks.contains(hook_name(callback, object.name));
  }

  const WrapperPlan& plan_;
  std::string text_;
};

}  // namespace

std::string entry_symbol(std::size_t number) { return "hotpatch_entry_" + std::to_string(number); }

std::string wrapper_source(const WrapperPlan& plan) { return Writer(plan).run(); }

bool is_hook_name(std::string_view name, std::string& object) {
  object.clear();
  if (name == kStates) return true;
  for (const std::string_view callback : kCallbacks) {
    const std::string prefix = hook_name(callback, {});
    if (!name.starts_with(prefix) || name.size() == prefix.size()) continue;
    object = std::string(name.substr(prefix.size()));
    return true;
  }
  return false;
}

}  // namespace hotpatch::kernel

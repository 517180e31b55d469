// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/linux/module_source.h"

#include <algorithm>

#include "buildenv/linux/kernel_proof.h"
#include "buildenv/linux/unit_commands.h"

namespace hotpatch::buildenv {

namespace fs = std::filesystem;

Result<ModuleCompiler> ModuleCompiler::make(const Base& base, const UnitIndex& index) {
  const auto found = std::ranges::find_if(index.units, [&](const IndexedUnit& unit) {
    return unit.is_c() && !unit.source.starts_with('/') && !index.owners[unit.owner].is_image();
  });
  if (found == index.units.end())
    return tl::unexpected(Error(Errc::kUnsupported, "the base has no module from which to learn how modules are compiled")
                              .with_remedy("make the base with --modules"));
  HP_ASSIGN(auto commands, ask_commands(base, {found->object()}));
  return ModuleCompiler(base, std::move(commands.at(found->object())), found->source);
}

Result<Compiled> ModuleCompiler::compile(const fs::path& source, const fs::path& output, const std::string& module_name) const {
  CommandList commands = commands_;
  // scripts/Makefile.lib, name-fix: quotes are part of the value.
  const std::string quoted = "\"" + module_name + "\"";
  for (std::string& word : commands.front()) {
    if (word == example_) word = source.string();
    if (word.starts_with("-DKBUILD_BASENAME=")) word = "-DKBUILD_BASENAME=" + quoted;
    if (word.starts_with("-DKBUILD_MODNAME=")) word = "-DKBUILD_MODNAME=" + quoted;
    if (word.starts_with("-DKBUILD_MODFILE=")) word = "-DKBUILD_MODFILE=" + quoted;
    if (word.starts_with("-D__KBUILD_MODNAME=")) word = "-D__KBUILD_MODNAME=kmod_" + module_name;
  }
  return compile_kernel_unit(base_, commands, base_.build_path(), output,
                             {"-ffile-prefix-map=" + source.parent_path().string() + "/="});
}

}  // namespace hotpatch::buildenv

// SPDX-License-Identifier: GPL-2.0-or-later
#include "linux/check/check.h"

#include "linux/check/inspector.h"

namespace hotpatch::kernel {

Result<ModuleCheck> check_module(ByteView file, const CheckTarget& target) {
  HP_ASSIGN(const RawModule module, RawModule::parse(file));
  Inspector inspector(module, target);
  inspector.check_description();
  inspector.check_exports();
  HP_TRY(inspector.check_relocations());
  HP_TRY(inspector.check_functions());
  inspector.check_tables();
  return std::move(inspector).product();
}

}  // namespace hotpatch::kernel

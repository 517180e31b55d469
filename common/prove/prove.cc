// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/prove/prove.h"

#include "common/prove/locator.h"

namespace hotpatch::prove {

Result<Located> locate(const elf::Object& rebuilt, const elf::Image& image, std::string unit, LinkRules rules) {
  if (rebuilt.type() != elf::FileType::kRelocatable)
    return fail(Errc::kInvalid, rebuilt.name() + ": a linked file, where a relocatable object is wanted");
  if (rebuilt.symbols().empty())
    return fail(Error(Errc::kInvalid, rebuilt.name() + ": has no symbol table")
                    .with_remedy("compile it without -s, and do not strip it"));
  return Locator(rebuilt, image, std::move(unit), rules).run();
}

}  // namespace hotpatch::prove

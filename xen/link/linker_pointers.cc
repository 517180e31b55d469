// SPDX-License-Identifier: GPL-2.0-or-later
//
// Addresses of functions that the payload takes: whose they are, and who may call through them.
#include <algorithm>

#include "xen/link/linker.h"
#include "xen/payload/payload.h"

namespace hotpatch::xen {

void Linker::warn(const char* rule, std::size_t unit, const extract::Block& block, std::string text, std::string remedy) {
  report_.findings.add({.rule = rule,
                        .severity = Severity::kWarning,
                        .where = {.unit = units_[unit].patch->unit, .symbol = block.name, .section = {}, .source = {}},
                        .text = std::move(text),
                        .remedy = std::move(remedy)});
}

void Linker::check_pointer(std::size_t unit, const extract::Block& user, const BlockRef& replacement, TargetAddr entry) {
  const extract::Block& body = units_[replacement.unit].patch->blocks.at(replacement.block.value());
  const bool is_meant_to_be_called =
      body.contents.size() >= kEndbrSize && std::equal(kEndbr64.begin(), kEndbr64.end(), body.contents.begin());
  if (!is_meant_to_be_called || xen_.has_endbr(entry)) return;
  report_.findings.add(
      {.rule = "HP037-entry-without-endbr",
       .severity = Severity::kError,
       .where = {.unit = units_[unit].patch->unit, .symbol = user.name, .section = {}, .source = {}},
       .text = user.name + " takes the address of " + body.name +
               ", which the patch makes a target of indirect calls (cf_check); but pointers lead to the old entry at " +
               hex(entry.value()) + ", which has no ENDBR64: a call through one is fatal on a CPU with IBT",
       .remedy = "leave " + body.name + " as it is, and take the address of a new function, marked cf_check, that calls it"});
}

void Linker::check_new_pointer(std::size_t unit, const extract::Block& user, const BlockRef& target) {
  const extract::Block& body = units_[target.unit].patch->blocks.at(target.block.value());
  if (body.kind != extract::BlockKind::kText || !body.is_function || &body == &user) return;
  warn("HP041-new-function-pointer", unit, user,
       user.name + " takes the address of " + body.name +
           ", which is in the payload alone: where it is stored in something that outlives the payload, a call after the payload "
           "is "
           "unloaded is fatal",
       "make sure that no such pointer is left before the payload is reverted, or do not unload it");
}

}  // namespace hotpatch::xen

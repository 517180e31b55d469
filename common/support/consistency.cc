// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/support/consistency.h"

namespace hotpatch {

const char* leave_name(Leave leave) noexcept {
  switch (leave) {
    case Leave::kFunction: return "function";
    case Leave::kChangedSet: return "patched-set";
    case Leave::kKernel: return "kernel";
  }
  return "kernel";
}

const char* switch_name(Switch at_once) noexcept {
  switch (at_once) {
    case Switch::kFunction: return "function";
    case Switch::kThread: return "thread";
    case Switch::kKernel: return "kernel";
  }
  return "kernel";
}

std::string to_text(const Consistency& model) {
  return std::string("leave ") + leave_name(model.leave) + ", switch " + switch_name(model.at_once);
}

std::optional<Consistency> parse_consistency(std::string_view text) {
  for (const Leave leave : {Leave::kFunction, Leave::kChangedSet, Leave::kKernel})
    for (const Switch at_once : {Switch::kFunction, Switch::kThread, Switch::kKernel})
      if (const Consistency model{leave, at_once}; to_text(model) == text) return model;
  return std::nullopt;
}

}  // namespace hotpatch

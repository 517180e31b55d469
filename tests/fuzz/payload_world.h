// SPDX-License-Identifier: GPL-2.0-or-later
//
// The synthetic hypervisor that payloads of the fuzz target are checked against. It belongs to the tests and asserts with doctest.
#pragma once

#include "tests/unit/xen_check/payloads.h"

namespace hotpatch::fuzz {

inline const xen::synthetic::World& world() {
  struct Surroundings {
    Surroundings() { context.setAsDefaultForAssertsOutOfTestCases(); }
    doctest::Context context;
  };
  static const Surroundings surroundings;
  static const xen::synthetic::World the_world;
  return the_world;
}

}  // namespace hotpatch::fuzz

// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/elf/symbol_name.h"

#include <doctest/doctest.h>

using hotpatch::elf::split_symbol_name;

TEST_CASE("a programmer's name is its own stem") {
  for (const char* name : {"do_domctl", "per_cpu__last", ".LC0", "a.b", "x86_64.c"}) {
    CHECK_FALSE(split_symbol_name(name).is_compiler_made());
    CHECK(split_symbol_name(name).stem == name);
  }
}

TEST_CASE("the numbers of clones and statics are no part of the stem, the kinds of clone are") {
  CHECK(split_symbol_name("f.constprop.0").stem == split_symbol_name("f.constprop.17").stem);
  CHECK(split_symbol_name("f.part.2.isra.1").stem == "f.part.isra");
  CHECK(split_symbol_name("f.isra.0").stem != split_symbol_name("f.constprop.0").stem);
  CHECK(split_symbol_name("f.cold").base == "f");
  CHECK(split_symbol_name("state.5").base == "state");
}

TEST_CASE("a numbered static is not paired with a plain symbol of the same base by its stem") {
  CHECK(split_symbol_name("state.5").stem != split_symbol_name("state").stem);
}

TEST_CASE("a function's static is called by the name that it has in the source") {
  CHECK(hotpatch::elf::variable_name("hits.0") == "hits");
  CHECK(hotpatch::elf::variable_name("f.hits") == "hits");
  CHECK(hotpatch::elf::variable_name("f.hits.12") == "hits");
  CHECK(hotpatch::elf::variable_name("hits") == "hits");
  CHECK(hotpatch::elf::variable_name("hits2") == "hits2");
}

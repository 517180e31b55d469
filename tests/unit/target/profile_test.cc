// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/target/profile.h"

#include <doctest/doctest.h>

#include <array>

using namespace hotpatch::target;

namespace {

constexpr std::array kRules = {SectionRule{".init.rodata.keep", SectionRole::kHooks}, SectionRule{".init*", SectionRole::kInit},
                               SectionRule{".comment", SectionRole::kDiscarded}};
constexpr std::array kSpecials = {SpecialSection{".ex_table", 8, {}, "", -1, -1},
                                  SpecialSection{".bug_frames.*", 8, {}, "", -1, -1}};
constexpr Profile kProfile = {"test", kSpecials, kRules, {}, 5, true};

}  // namespace

TEST_CASE("a pattern without a star is an exact name") {
  REQUIRE(find_rule(kProfile, ".comment") != nullptr);
  CHECK(find_rule(kProfile, ".comment")->role == SectionRole::kDiscarded);
  CHECK(find_rule(kProfile, ".comment2") == nullptr);
  CHECK(find_rule(kProfile, ".commen") == nullptr);
}

TEST_CASE("a pattern with a star is a prefix, and the first match counts") {
  CHECK(find_rule(kProfile, ".init.text")->role == SectionRole::kInit);
  CHECK(find_rule(kProfile, ".init")->role == SectionRole::kInit);
  CHECK(find_rule(kProfile, ".init.rodata.keep")->role == SectionRole::kHooks);
}

TEST_CASE("special sections are found by name or by prefix") {
  CHECK(find_special(kProfile, ".ex_table") == kSpecials.data());
  CHECK(find_special(kProfile, ".ex_table.pre") == nullptr);
  CHECK(find_special(kProfile, ".bug_frames.0") == &kSpecials[1]);
  CHECK(find_special(kProfile, ".text") == nullptr);
}

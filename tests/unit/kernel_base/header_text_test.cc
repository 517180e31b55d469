// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/linux/header_text.h"

#include <doctest/doctest.h>

using namespace hotpatch::buildenv;
using Names = std::set<std::string>;

namespace {

constexpr const char* kHeader = R"(/* SPDX */
#ifndef _H
#define _H
#include <linux/types.h>
#define LIMIT(x) \
	((x) + other(x))
struct set {
	int a;
};
extern int prototype(struct set *s, int (*f)(void));
static inline bool is_expired(const struct set *s)
{
	return s->a < LIMIT(3);
}
static inline struct set *get(struct set *s) { if (is_expired(s)) { return 0; } return s; }
extern struct set global_set;
typedef int (*handler_t)(void);
enum mode { ONE, TWO };
static const struct set table[] = { { .a = 1 }, };
#endif
)";

std::string with(const std::string& from, const std::string& to) {
  std::string text = kHeader;
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("definitions are found under their names") {
  const HeaderText text = take_apart(kHeader);
  for (const char* name : {"_H", "LIMIT", "prototype", "is_expired", "get", "global_set", "table"})
    CHECK_MESSAGE(text.named.contains(name), name);
  CHECK(text.named.size() == 7);
  CHECK(text.unnamed.contains("struct set"));
  CHECK(text.unnamed.contains("enum mode"));
  CHECK(text.unnamed.contains(""));
}

TEST_CASE("a change is that of the definition which it stands in") {
  const HeaderChange body = compare_headers(kHeader, with("s->a <", "s->a <="));
  CHECK(body.names == Names{"is_expired"});
  CHECK(body.unnamed.empty());
  const HeaderChange macro = compare_headers(kHeader, with("other(x)", "another(x)"));
  CHECK(macro.names == Names{"LIMIT"});
  const HeaderChange initialiser = compare_headers(kHeader, with(".a = 1", ".a = 2"));
  CHECK(initialiser.names == Names{"table"});
  const HeaderChange added =
      compare_headers(kHeader, with("extern struct set global", "extern int more(void);\nextern struct set global"));
  CHECK(added.names == Names{"more"});
  CHECK(added.unnamed.empty());
}

TEST_CASE("what may concern everybody is told apart") {
  CHECK(compare_headers(kHeader, with("int a;", "long a;")).unnamed == Names{"struct set"});
  CHECK(compare_headers(kHeader, with("TWO", "TWO, THREE")).unnamed == Names{"enum mode"});
  CHECK(compare_headers(kHeader, with("#ifndef _H", "#ifndef _H2")).unnamed == Names{""});
  CHECK(compare_headers(kHeader, with("<linux/types.h>", "<linux/list.h>")).unnamed == Names{""});
  const HeaderChange type = compare_headers(kHeader, with("enum mode", "struct fresh { int b; };\nenum mode"));
  CHECK(type.names.empty());
  CHECK(type.unnamed.empty());
}

TEST_CASE("comments and white space are no change") {
  const HeaderChange change = compare_headers(kHeader, with("/* SPDX */", "// other\n\n"));
  CHECK(change.names.empty());
  CHECK(change.unnamed.empty());
}

TEST_CASE("names are followed through what is made of them") {
  Names names{"LIMIT"};
  Names everywhere;
  const HeaderText header = take_apart(kHeader);
  while (close_over(header, names, everywhere)) {}
  CHECK(names == Names{"LIMIT", "is_expired", "get"});
  CHECK(everywhere.empty());
}

TEST_CASE("identifiers in comments and strings do not count") {
  const auto words = identifiers_of("int one; /* two */ // three\nchar *p = \"four\"; five(0x6ull);");
  CHECK(words == std::set<std::string_view>{"int", "one", "char", "p", "five"});
}

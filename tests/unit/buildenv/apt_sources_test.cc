// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/apt_sources.h"

#include <doctest/doctest.h>

namespace hotpatch::buildenv {
namespace {

using Words = std::vector<std::string>;
using Options = std::vector<std::pair<std::string, std::string>>;

TEST_CASE("the one-line format: options, comments, source lines and CDs") {
  const auto sources = parse_one_line_sources(
      "# a comment\n"
      "deb [signed-by=/k.gpg arch=amd64,i386] http://mirror/debian bookworm main contrib # why\n"
      "deb-src http://mirror/debian bookworm main\n"
      "deb cdrom:[Debian GNU/Linux 12]/ bookworm main\n"
      "\n"
      "deb\thttp://mirror/security bookworm-security main",
      "sources.list");
  REQUIRE(sources);
  REQUIRE(sources->size() == 2);
  CHECK(sources->at(0).uris == Words{"http://mirror/debian"});
  CHECK(sources->at(0).suites == Words{"bookworm"});
  CHECK(sources->at(0).components == Words{"main", "contrib"});
  CHECK(sources->at(0).options == Options{{"Signed-By", "/k.gpg"}, {"Architectures", "amd64 i386"}});
  CHECK(sources->at(1).suites == Words{"bookworm-security"});
}

TEST_CASE("a malformed line is named by file and number") {
  for (const char* bad : {"\ndeb http://mirror/debian", "\nrpm http://mirror bookworm main",
                          "\ndeb [signed-by=/k http://m b main", "\ndeb [trusted] http://m b main"}) {
    CAPTURE(bad);
    const auto sources = parse_one_line_sources(bad, "x.list");
    REQUIRE_FALSE(sources);
    CHECK(sources.error().code() == Errc::kMalformed);
    CHECK(sources.error().message().find("x.list:2") != std::string::npos);
  }
}

TEST_CASE("the deb822 format: many values, comments inside, a key in the file, disabled stanzas") {
  const auto sources = parse_deb822_sources(
      "Types: deb\n"
      "# http://other\n"
      "URIs: http://one http://two\n"
      "Suites: bookworm bookworm-updates\n"
      "components: main\n"
      "Signed-By:\n"
      " -----BEGIN PGP PUBLIC KEY BLOCK-----\n"
      " .\n"
      " abc\n"
      "\n"
      "Types: deb\nEnabled: no\nURIs: http://off\nSuites: x\n"
      "\n\n"
      "Types: deb-src\nURIs: http://source-only\nSuites: x\n",
      "d.sources");
  REQUIRE(sources);
  REQUIRE(sources->size() == 1);
  CHECK(sources->at(0).uris == Words{"http://one", "http://two"});
  CHECK(sources->at(0).suites == Words{"bookworm", "bookworm-updates"});
  CHECK(sources->at(0).components == Words{"main"});
  CHECK(sources->at(0).options == Options{{"Signed-By", "\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc"}});
}

TEST_CASE("a malformed stanza is named by file and line") {
  CHECK(parse_deb822_sources("Types: deb\nURIs\n", "d").error().message().find("d:2") != std::string::npos);
  CHECK(parse_deb822_sources(" continued\n", "d").error().message().find("d:1") != std::string::npos);
}

TEST_CASE("only the release's own suites are taken, each once, and main alone") {
  const std::vector<AptSource> sources = {
      {{"http://m"}, {"bookworm", "bookworm-updates"}, {"main", "non-free"}, {{"Signed-By", "/k"}}},
      {{"http://m"}, {"bookworm"}, {"main"}, {}},
      {{"http://other"}, {"nodistro", "bookwormish", "trixie"}, {"main"}, {}},
      {{"http://third"}, {"bookworm"}, {"contrib"}, {}},
      {{"http://old"}, {"stable/updates"}, {"main"}, {}},
  };
  const std::vector<AptSource> chosen = sources_of_release(sources, "bookworm");
  REQUIRE(chosen.size() == 3);
  CHECK(chosen[0].suites == Words{"bookworm"});
  CHECK(chosen[0].components == Words{"main"});
  CHECK(chosen[0].options == Options{{"Signed-By", "/k"}});
  CHECK(chosen[1].suites == Words{"bookworm-updates"});
  CHECK(chosen[2].uris == Words{"http://old"});
}

TEST_CASE("what is written has source packages enabled and reads back the same") {
  const std::vector<AptSource> sources = {{{"http://m"}, {"bookworm"}, {"main"}, {{"Signed-By", "\n line1\n line2"}}}};
  const std::string text = deb822_text(sources);
  CHECK(text.starts_with("Types: deb deb-src\nURIs: http://m\n"));
  const auto again = parse_deb822_sources(text, "again");
  REQUIRE(again);
  REQUIRE(again->size() == 1);
  CHECK(deb822_text(*again) == text);
}

}  // namespace
}  // namespace hotpatch::buildenv

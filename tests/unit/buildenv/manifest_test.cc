// SPDX-License-Identifier: GPL-2.0-or-later
#include <doctest/doctest.h>

#include "buildenv/base.h"
#include "common/support/file.h"

namespace hotpatch::buildenv {
namespace {

Base sample() {
  Base base;
  base.target = "xen";
  base.description = "Debian xen 4.17.5+72-g01140da4e8-1";
  base.package_version = "4.17.5+72-g01140da4e8-1";
  base.architecture = "x86_64";
  base.build_id = BuildId::parse("39a640e6f1412319235087391df9f1c5e13ae920").value();
  base.grade = ProofGrade::kMatched;
  base.source_sha256 = "01";
  base.config_sha256 = "02";
  base.image_sha256 = "03";
  base.files_sha256 = "04";
  base.build_directory = "tree/xen";
  base.symbols_image = "image/xen-syms";
  base.boot_image = "image/xen.gz";
  base.config = "image/config";
  base.tools = {{"compiler", "/usr/bin/gcc-12", "gcc (Debian 12.2.0-14) 12.2.0", "aa"}};
  base.environment = {{"DEB_MAINTAINER", "A \"B\" <c@d>"}, {"PATH", "/usr/bin"}};
  base.generated_files = {"include/generated/autoconf.h"};
  Unit unit;
  unit.object = "common/bunzip2.init.o";
  unit.source = "common/bunzip2.c";
  unit.file_symbol = "common/bunzip2.c";
  unit.is_init = true;
  unit.commands = {{"gcc", "-DX=\"a b\"", "-c", "common/bunzip2.c"}, {"objcopy", "@OBJECT@.plain", "@OBJECT@"}};
  unit.dependencies = {"common/bunzip2.c", "include/xen/config.h"};
  Unit other;
  other.object = "x.o";
  other.source = "x.S";
  other.is_linked = false;
  other.unproven = "holds the date";
  other.unreplayable = "its command needs a shell";
  base.units = {unit, other};
  base.proven_functions = 4000;
  base.proven_bytes = 1234567;
  return base;
}

struct Directory {
  TempDir temp = TempDir::make("manifest-test").value();
  void write(const std::string& text) const { REQUIRE(write_file(temp.path() / kManifestName, text)); }
  Result<Base> load() const { return load_base(temp.path()); }
};

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

TEST_CASE("a manifest read back is the one that was written") {
  const Directory directory;
  const Base base = sample();
  directory.write(manifest_text(base));
  const auto loaded = directory.load();
  REQUIRE(loaded);
  CHECK(manifest_text(*loaded) == manifest_text(base));
  CHECK(loaded->grade == ProofGrade::kMatched);
  CHECK(loaded->build_id == base.build_id);
  CHECK(loaded->units.at(0).commands == base.units.at(0).commands);
  CHECK(loaded->units.at(0).is_init);
  CHECK_FALSE(loaded->units.at(1).is_linked);
  CHECK(loaded->units.at(1).unreplayable == "its command needs a shell");
  CHECK(loaded->units.at(0).unproven.empty());
  CHECK(loaded->units.at(1).unproven == "holds the date");
  CHECK(loaded->environment == base.environment);
  CHECK(loaded->build_path() == loaded->directory / "tree/xen");
  CHECK(loaded->tree() == loaded->directory / "tree");
}

TEST_CASE("what only a base of Linux has is read back too") {
  const Directory directory;
  Base base = sample();
  base.target = "linux";
  base.grade = ProofGrade::kOnDemand;
  base.build_directory = "tree";
  base.units.clear();
  base.kernel = KernelFacts{
      "6.1.0-54-amd64", {"ARCH=x86", "CC=gcc-12"}, "linux-image-dbg.deb", "", {{"struct bug_entry", 12}}, 2300, 11000, 4023};
  directory.write(manifest_text(base));
  const auto loaded = directory.load();
  REQUIRE(loaded);
  CHECK(manifest_text(*loaded) == manifest_text(base));
  REQUIRE(loaded->kernel);
  CHECK(loaded->kernel->release == "6.1.0-54-amd64");
  CHECK(loaded->kernel->record_sizes == base.kernel->record_sizes);
  CHECK(loaded->kernel->modules == 4023);
  CHECK(loaded->build_path() == loaded->source_root());
  directory.write(replaced(manifest_text(base), "\"struct bug_entry\": 12", "\"struct bug_entry\": \"12\""));
  CHECK_FALSE(directory.load());
}

TEST_CASE("a manifest holds nothing of where the base is") {
  Base here = sample();
  Base there = sample();
  here.directory = "/here";
  there.directory = "/there";
  CHECK(manifest_text(here) == manifest_text(there));
}

TEST_CASE("a directory without a manifest is not a base, and what is there is said") {
  const Directory directory;
  const auto empty = directory.load();
  REQUIRE_FALSE(empty);
  CHECK(empty.error().code() == Errc::kNotFound);
  CHECK(empty.error().message().find("manifest.json") != std::string::npos);
  const auto absent = load_base(directory.temp.path() / "absent");
  REQUIRE_FALSE(absent);
  CHECK(absent.error().message().find("no such directory") != std::string::npos);
  std::filesystem::create_directory(directory.temp.path() / "xen.partial");
  const auto partial = load_base(directory.temp.path() / "xen.partial");
  REQUIRE_FALSE(partial);
  CHECK(partial.error().message().find("interrupted") != std::string::npos);
}

TEST_CASE("another version of the manifest is not supported") {
  const Directory directory;
  directory.write(replaced(manifest_text(sample()), "\"version\": 1,", "\"version\": 2,"));
  const auto loaded = directory.load();
  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().code() == Errc::kUnsupported);
  CHECK_FALSE(loaded.error().remedy().empty());
}

TEST_CASE("what is malformed is named by its place") {
  struct Case {
    const char* from;
    const char* to;
    const char* place;
  };
  constexpr Case kCases[] = {
      {"\"hotpatch-base\"", "\"other\"", "/schema"},
      {"\"grade\": \"matched\"", "\"grade\": \"hopeful\"", "/grade"},
      {"\"target\": \"xen\",", "", "/target is missing"},
      {"\"build_id\": \"39", "\"build_id\": \"3x", "/build_id"},
      {"\"proven_bytes\": 1234567", "\"proven_bytes\": -1", "/proven_bytes"},
      {"\"init\": true", "\"init\": 1", "/units/0/init"},
      {"\"source\": \"x.S\"", "\"source\": [\"x.S\"]", "/units/1/source"},
      {"[\"objcopy\", \"@OBJECT@.plain\", \"@OBJECT@\"]", "[]", "/units/0/commands"},
      {"\"common/bunzip2.c\", \"include", "7, \"include", "/units/0/dependencies"},
      {"\"symbols_image\": \"image/xen-syms\"", "\"symbols_image\": \"../xen-syms\"", "/symbols_image"},
      {"\"object\": \"x.o\"", "\"object\": \"/etc/x.o\"", "/units/1/object"},
      {"\"PATH\": \"/usr/bin\"", "\"PATH\": null", "/environment/PATH"},
  };
  const Directory directory;
  for (const Case& wrong : kCases) {
    CAPTURE(wrong.to);
    directory.write(replaced(manifest_text(sample()), wrong.from, wrong.to));
    const auto loaded = directory.load();
    REQUIRE_FALSE(loaded);
    CHECK(loaded.error().code() == Errc::kMalformed);
    CHECK(loaded.error().message().find(wrong.place) != std::string::npos);
  }
}

TEST_CASE("a truncated manifest, and one that is no object, are malformed") {
  const Directory directory;
  const std::string text = manifest_text(sample());
  for (const std::string& bad : {text.substr(0, text.size() / 2), std::string("[]"), std::string(), std::string("null")}) {
    directory.write(bad);
    const auto loaded = directory.load();
    REQUIRE_FALSE(loaded);
    CHECK(loaded.error().code() == Errc::kMalformed);
  }
}

}  // namespace
}  // namespace hotpatch::buildenv

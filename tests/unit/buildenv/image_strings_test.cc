// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/image_strings.h"

#include <doctest/doctest.h>

#include "common/process/process.h"
#include "common/support/file.h"

namespace hotpatch::buildenv {
namespace {

elf::Image link(const std::string& source, std::vector<std::string> flags) {
  const auto temp = TempDir::make("image-strings-test");
  REQUIRE(temp);
  process::Command command;
  command.argv = {"gcc", "-x", "c", "-", "-O2", "-fpie", "-nostdlib", "-static", "-Wl,--build-id", "-Wl,-e,0", "-o", "image"};
  command.argv.insert(command.argv.end(), flags.begin(), flags.end());
  command.directory = temp->path();
  command.input = source;
  REQUIRE(process::run_checked(command));
  auto object = elf::read_object(temp->path() / "image");
  REQUIRE(object);
  auto image = elf::Image::make(*std::move(object));
  REQUIRE(image);
  return *std::move(image);
}

constexpr const char* kSource =
    "const char *xen_compile_date(void) { return \"Sat Nov 29\"; }\n"
    "const char *xen_compile_by(void) { return \"me$HOME\"; }\n"
    "const char *xen_compile_system_maintainer_local(void) { return \"local\"; }\n"
    "const char *xen_compile_system_maintainer_domain(void) { return \"domain\"; }\n"
    "int answer(void) { return 42; }\n";

TEST_CASE("the strings that an image says of itself are found, with and without a landing pad for indirect branches") {
  for (const char* flag : {"-fcf-protection=none", "-fcf-protection=branch"}) {
    CAPTURE(flag);
    const elf::Image image = link(kSource, {flag});
    CHECK(returned_string(image, "xen_compile_date") == "Sat Nov 29");
  }
}

TEST_CASE("a function that returns no string, and one that is not there, give nothing") {
  const elf::Image image = link(kSource, {});
  CHECK_FALSE(returned_string(image, "answer").has_value());
  CHECK_FALSE(returned_string(image, "absent").has_value());
}

TEST_CASE("the build's variables are those of the functions that the image has, safe from make's expansion") {
  const elf::Image image = link(kSource, {});
  const std::vector<std::pair<std::string, std::string>> expected = {
      {"DEB_MAINTAINER", "maintainer <local@domain>"}, {"XEN_BUILD_DATE", "Sat Nov 29"}, {"XEN_WHOAMI", "me$$HOME"}};
  CHECK(identity_variables(image) == expected);
}

TEST_CASE("the configuration that an image carries is read, and damage to it is no configuration") {
  process::Command command;
  command.argv = {"gzip", "-nc"};
  command.input = "CONFIG_NR_CPUS=256\n";
  const auto compressed = process::run_checked(command);
  REQUIRE(compressed);
  const auto source_with = [](const std::string& data) {
    std::string source = "const unsigned int xen_config_data_size = " + std::to_string(data.size()) +
                         ";\nconst unsigned char xen_config_data[] = {";
    for (const char byte : data) source += std::to_string(static_cast<unsigned char>(byte)) + ",";
    return source + "};\n";
  };
  CHECK(embedded_config(link(source_with(compressed->output), {})) == "CONFIG_NR_CPUS=256\n");
  CHECK_FALSE(embedded_config(link(source_with("no gzip"), {})).has_value());
  CHECK_FALSE(embedded_config(link(kSource, {})).has_value());
}

}  // namespace
}  // namespace hotpatch::buildenv

// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/image_strings.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "common/process/process.h"
#include "common/support/bytes.h"

namespace hotpatch::buildenv {
namespace {

constexpr std::uint64_t kLongest = 256;

bool begins_with(ByteView bytes, std::initializer_list<unsigned> values) {
  if (bytes.size() < values.size()) return false;
  std::size_t at = 0;
  return std::all_of(values.begin(), values.end(),
                     [&](unsigned value) { return std::to_integer<unsigned>(bytes[at++]) == value; });
}

std::optional<std::string> text_at(const elf::Image& image, TargetAddr address) {
  std::string text;
  for (std::uint64_t at = 0; at < kLongest; ++at) {
    const std::optional<ByteView> byte = image.bytes_at(address + at, 1);
    if (!byte) return std::nullopt;
    const char character = static_cast<char>(std::to_integer<unsigned char>(byte->front()));
    if (character == '\0') return text;
    text += character;
  }
  return std::nullopt;
}

/// make(1) expands the values of the environment's variables too.
std::string escape_make(std::string text) {
  for (std::size_t at = text.find('$'); at != std::string::npos; at = text.find('$', at + 2)) text.insert(at, 1, '$');
  return text;
}

}  // namespace

std::optional<std::string> returned_string(const elf::Image& image, std::string_view function) {
  constexpr std::uint64_t kEndbr = 4;
  constexpr std::uint64_t kLea = 7;
  const elf::ImageSymbol* symbol = image.find_global(function);
  if (symbol == nullptr) return std::nullopt;
  TargetAddr address = symbol->address;
  std::optional<ByteView> code = image.bytes_at(address, kEndbr);
  if (code && begins_with(*code, {0xf3, 0x0f, 0x1e, 0xfa})) address = address + kEndbr;  // endbr64
  code = image.bytes_at(address, kLea);
  if (!code || !begins_with(*code, {0x48, 0x8d, 0x05})) return std::nullopt;  // lea disp32(%rip),%rax
  const auto displacement = load_le<std::int32_t>(*code, 3);
  return text_at(image, address + kLea + static_cast<std::uint64_t>(std::int64_t{displacement}));
}

std::optional<std::string> embedded_config(const elf::Image& image) {
  const elf::ImageSymbol* data = image.find_global("xen_config_data");
  const elf::ImageSymbol* size_symbol = image.find_global("xen_config_data_size");
  if (data == nullptr || size_symbol == nullptr) return std::nullopt;
  const std::optional<ByteView> size = image.bytes_at(size_symbol->address, 4);
  if (!size) return std::nullopt;
  const std::optional<ByteView> content = image.bytes_at(data->address, load_le<std::uint32_t>(*size, 0));
  if (!content) return std::nullopt;
  process::Command command;
  command.argv = {"gzip", "-dc"};
  command.input = std::string(as_text(*content));
  auto outcome = process::run_checked(command);
  if (!outcome) return std::nullopt;
  return std::move(outcome->output);
}

std::vector<std::pair<std::string, std::string>> identity_variables(const elf::Image& image) {
  constexpr std::array<std::pair<const char*, const char*>, 6> kFunctions = {{{"xen_compile_system_version", "DEB_VERSION"},
                                                                              {"xen_compile_date", "XEN_BUILD_DATE"},
                                                                              {"xen_compile_time", "XEN_BUILD_TIME"},
                                                                              {"xen_compile_domain", "XEN_DOMAIN"},
                                                                              {"xen_extra_version", "XEN_EXTRAVERSION"},
                                                                              {"xen_compile_by", "XEN_WHOAMI"}}};
  std::vector<std::pair<std::string, std::string>> variables;
  for (const auto& [function, variable] : kFunctions) {
    if (const std::optional<std::string> text = returned_string(image, function))
      variables.emplace_back(variable, escape_make(*text));
  }
  const std::optional<std::string> local = returned_string(image, "xen_compile_system_maintainer_local");
  const std::optional<std::string> domain = returned_string(image, "xen_compile_system_maintainer_domain");
  if (local && domain) variables.emplace_back("DEB_MAINTAINER", escape_make("maintainer <" + *local + "@" + *domain + ">"));
  std::sort(variables.begin(), variables.end());
  return variables;
}

}  // namespace hotpatch::buildenv

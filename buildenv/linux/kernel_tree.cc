// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/linux/kernel_tree.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <sstream>
#include <thread>

#include "buildenv/toolchain.h"
#include "common/process/process.h"
#include "common/support/file.h"

namespace hotpatch::buildenv {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMaxBanner = 1024;

std::map<std::string, std::string> settings_of(const std::string& config) {
  std::map<std::string, std::string> settings;
  std::istringstream lines(config);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t equals = line.find('=');
    if (line.starts_with("CONFIG_") && equals != std::string::npos) settings[line.substr(0, equals)] = line.substr(equals + 1);
  }
  return settings;
}

process::Command make_command(const fs::path& tree, const KernelBuild& build, std::vector<std::string> goals) {
  process::Command command;
  command.argv = {"make"};
  command.argv.insert(command.argv.end(), build.make_arguments.begin(), build.make_arguments.end());
  command.argv.insert(command.argv.end(), goals.begin(), goals.end());
  command.directory = tree;
  command.clear_environment = true;
  command.environment = build.environment;
  return command;
}

/// The last lines of a log that say what went wrong.
std::string failure_lines(const std::string& log) {
  constexpr std::array<std::string_view, 4> kSigns = {"rror: ", " *** ", "No space left on device", "not found"};
  constexpr std::size_t kShown = 8;
  std::vector<std::string> kept;
  std::istringstream lines(log);
  for (std::string line; std::getline(lines, line);)
    if (std::ranges::any_of(kSigns, [&](std::string_view sign) { return line.find(sign) != std::string::npos; }))
      kept.push_back(line.substr(0, 300));
  std::string text;
  for (std::size_t at = 0; at < std::min(kShown, kept.size()); ++at) text += "\n  " + kept[at];
  return text;
}

}  // namespace

Result<KernelBanner> parse_banner(const std::string& text) {
  constexpr std::string_view kBegin = "Linux version ";
  KernelBanner banner;
  const std::size_t user = text.find(" (");
  const std::size_t at = text.find('@', user);
  const std::size_t host_end = text.find(") (", at);
  const std::size_t version = text.rfind(") #");
  if (!text.starts_with(kBegin) || user == std::string::npos || at == std::string::npos || host_end == std::string::npos ||
      version == std::string::npos || version < host_end)
    return fail(Errc::kMalformed, "the kernel's banner is '" + text.substr(0, 80) + "'");
  banner.release = text.substr(kBegin.size(), user - kBegin.size());
  banner.user = text.substr(user + 2, at - user - 2);
  banner.host = text.substr(at + 1, host_end - at - 1);
  banner.compiler = text.substr(host_end + 3, version - host_end - 3);
  banner.version = text.substr(version + 2);
  while (banner.version.ends_with('\n')) banner.version.pop_back();
  return banner;
}

Result<KernelBanner> read_banner(const elf::Image& image) {
  const elf::ImageSymbol* symbol = image.find_global("linux_banner");
  if (symbol == nullptr)
    return fail(Error(Errc::kNotFound, image.object().name() + " has no symbol linux_banner")
                    .with_remedy("give vmlinux, the linked kernel with symbols; not vmlinuz"));
  const auto bytes = image.bytes_at(symbol->address, std::min(symbol->size, kMaxBanner));
  if (!bytes) return fail(Errc::kMalformed, image.object().name() + ": linux_banner is outside of the file");
  const std::string_view text = as_text(*bytes);
  return parse_banner(std::string(text.substr(0, text.find('\0'))));
}

std::string config_value(const std::string& config, const std::string& name) {
  const auto settings = settings_of(config);
  const auto found = settings.find("CONFIG_" + name);
  if (found == settings.end()) return "n";
  std::string value = found->second;
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
  return value;
}

std::vector<std::string> config_differences(const std::string& wanted, const std::string& made) {
  const auto left = settings_of(wanted);
  const auto right = settings_of(made);
  std::vector<std::string> differences;
  for (const auto& [name, value] : left) {
    const auto found = right.find(name);
    const std::string other = found == right.end() ? "not set" : found->second;
    if (other != value) differences.push_back(name + "=" + value + ", here " + other);
  }
  for (const auto& [name, value] : right)
    if (!left.contains(name)) differences.push_back(name + " not set, here " + value);
  return differences;
}

Result<KernelBuild> kernel_build(const KernelBanner& banner, const std::string& config) {
  if (config_value(config, "X86_64") != "y") return fail(Errc::kUnsupported, "the configuration is not one of x86-64");
  for (const char* setting : {"LTO_CLANG", "AUTOFDO_CLANG", "PROPELLER_CLANG"})
    if (config_value(config, setting) == "y")
      return fail(
          Error(Errc::kUnsupported, std::string("the kernel was built with CONFIG_") + setting +
                                        ": its code is made of all sources at once, and no object of a single one is in it")
              .with_remedy("patch this kernel by building it again with the patch"));
  const std::string text = config_value(config, "CC_VERSION_TEXT");
  const std::string compiler = text.substr(0, text.find(' '));
  if (compiler.empty() || text == "n")
    return fail(Errc::kUnsupported, "the configuration does not say what compiled the kernel (CONFIG_CC_VERSION_TEXT)");
  const char* path = std::getenv("PATH");
  KernelBuild build;
  build.environment = {{"KBUILD_BUILD_HOST", banner.host},
                       {"KBUILD_BUILD_USER", banner.user},
                       {"LC_ALL", "C"},
                       {"PATH", path == nullptr ? "/usr/sbin:/usr/bin:/sbin:/bin" : path}};
  // Debian's ends in "(2026-10-16)". Only init/version-timestamp.c has the date, and no other unit depends on it.
  if (const std::size_t open = banner.version.rfind('('); open != std::string::npos && banner.version.ends_with(')'))
    build.environment.emplace_back("KBUILD_BUILD_TIMESTAMP", banner.version.substr(open + 1, banner.version.size() - open - 2));
  build.make_arguments = {"ARCH=x86", "KERNELRELEASE=" + banner.release, "CC=" + compiler};
  process::Command version;
  version.argv = {compiler, "--version"};
  version.environment = {{"LC_ALL", "C"}};
  const auto outcome = process::run(version);
  const std::string found = outcome ? outcome->output.substr(0, outcome->output.find('\n')) : std::string();
  if (found == text) return build;
  return tl::unexpected(
      Error(Errc::kNotFound, "the kernel was compiled by '" + text + "', and here " +
                                 (found.empty() ? "there is no " + compiler : compiler + " is '" + found + "'"))
          .with_remedy("install that version of " + compiler + " (in Debian: apt-get install " + compiler + ")"));
}

Result<> unpack_kernel_source(const fs::path& source_deb, const fs::path& tree, const fs::path& work) {
  process::Command unpack;
  unpack.argv = {"dpkg-deb", "-x", source_deb.string(), (work / "source").string()};
  HP_TRY_DOING("unpack " + source_deb.filename().string(), process::run_checked(unpack));
  fs::path archive;
  std::error_code failure;
  for (const fs::directory_entry& entry : fs::directory_iterator(work / "source/usr/src", failure))
    if (entry.path().string().ends_with(".tar.xz") && entry.path().filename().string().starts_with("linux-source-"))
      archive = entry.path();
  if (archive.empty()) return fail(Errc::kNotFound, source_deb.filename().string() + " has no usr/src/linux-source-*.tar.xz");
  fs::create_directories(tree, failure);
  process::Command command;
  command.argv = {"tar",
                  "--extract",
                  "--file=" + archive.string(),
                  "--use-compress-program=xz -d -T0",
                  "--strip-components=1",
                  "--directory=" + tree.string(),
                  "--no-same-owner",
                  "--anchored",
                  "--no-wildcards-match-slash",
                  "--wildcards"};
  // What stays of other architectures and of the documentation is what Kconfig files of x86 name.
  for (const char* folder : {"arch/*/boot/dts", "arch/*/configs", "arch/arm/mach-*", "Documentation/*/*", "tools/testing"})
    command.argv.push_back(std::string("--exclude=linux-source-*/") + folder);
  HP_TRY_DOING("unpack " + archive.filename().string(), process::run_checked(command));
  fs::remove_all(work / "source", failure);
  return {};
}

Result<> copy_kernel_source(const fs::path& source, const fs::path& tree, const KernelBuild& build) {
  std::error_code failure;
  if (!fs::is_regular_file(source / "Kbuild", failure) || !fs::is_regular_file(source / "init/main.c", failure))
    return fail(Errc::kInvalid, source.string() + " is not a source tree of Linux: it has no Kbuild and init/main.c");
  process::Command command;
  command.argv = {"cp", "-a", "--reflink=auto", "-t", tree.string(), "--"};
  for (const fs::directory_entry& entry : fs::directory_iterator(source, failure))
    if (entry.path().filename() != ".git") command.argv.push_back(fs::absolute(entry.path()).string());
  if (failure) return fail_errno("list " + source.string(), failure.value());
  fs::create_directories(tree, failure);
  HP_TRY_DOING("copy " + source.string(), process::run_checked(command));
  HP_TRY_DOING("remove an earlier build from the copy of " + source.string(),
               process::run_checked(make_command(tree, build, {"mrproper"})));
  return {};
}

Result<> prepare_kernel(const fs::path& tree, const KernelBuild& build, const std::string& config, const fs::path& work,
                        unsigned threads) {
  HP_TRY(write_file(tree / ".config", config));
  const std::string jobs = "-j" + std::to_string(threads != 0 ? threads : std::max(1U, std::thread::hardware_concurrency()));
  for (const std::vector<std::string>& goals :
       {std::vector<std::string>{"olddefconfig"}, std::vector<std::string>{jobs, "prepare", "scripts", "modules_prepare"}}) {
    process::Command command = make_command(tree, build, goals);
    command.output_file = work / "prepare.log";
    HP_ASSIGN_DOING("prepare the tree", const process::Outcome outcome, process::run(command));
    HP_ASSIGN(const std::string log, read_text_file(work / "prepare.log"));
    if (outcome.exit_status != 0)
      return fail(Errc::kInvalid, "make " + goals.back() + " failed (exit status " + std::to_string(outcome.exit_status) +
                                      "):" + failure_lines(log));
  }
  HP_ASSIGN(const std::string made, read_text_file(tree / ".config"));
  const std::vector<std::string> differences = config_differences(config, made);
  if (differences.empty()) return {};
  std::string text = "the tree makes another configuration here, " + std::to_string(differences.size()) + " settings differ:";
  for (std::size_t i = 0; i < std::min<std::size_t>(5, differences.size()); ++i) text += "\n  " + differences[i];
  return tl::unexpected(Error(Errc::kTrust, std::move(text))
                            .with_remedy("settings follow from the tools that are found: install the same ones (pahole is in the "
                                         "package dwarves), and check that source and configuration belong together"));
}

}  // namespace hotpatch::buildenv

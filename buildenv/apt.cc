// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/apt.h"

#include <algorithm>
#include <array>
#include <sstream>

#include <unistd.h>

#include "buildenv/apt_sources.h"
#include "common/process/process.h"
#include "common/support/file.h"

namespace hotpatch::buildenv {
namespace {

namespace fs = std::filesystem;

/// What the system's administrator set about the way to the archive (proxies, certificates, timeouts), without what would weaken the
/// verification or fetch more than is needed here.
Result<std::string> acquire_settings() {
  process::Command command;
  command.argv = {"apt-config", "dump"};
  HP_ASSIGN(const process::Outcome outcome, process::run_checked(command));
  constexpr std::array<std::string_view, 6> kLeftOut = {"Acquire::IndexTargets",   "Acquire::Languages",
                                                        "Acquire::AllowInsecure",  "Acquire::AllowWeak",
                                                        "Acquire::AllowDowngrade", "Acquire::Changelogs"};
  std::istringstream lines(outcome.output);
  std::string settings;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("Acquire::") || line.ends_with(" \"\";")) continue;
    const bool left_out =
        std::any_of(kLeftOut.begin(), kLeftOut.end(), [&line](std::string_view prefix) { return line.starts_with(prefix); });
    if (!left_out) settings += line + "\n";
  }
  return settings;
}

Result<std::string> release_codename() {
  HP_ASSIGN(const std::string text, read_text_file("/etc/os-release"));
  std::istringstream lines(text);
  constexpr std::string_view kName = "VERSION_CODENAME=";
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(kName)) continue;
    std::string name = line.substr(kName.size());
    std::erase(name, '"');
    return name;
  }
  return fail(Errc::kNotFound, "/etc/os-release has no VERSION_CODENAME");
}

Result<> write_setup(const fs::path& directory) {
  std::error_code failure;
  for (const char* name : {"sources.list.d", "lists/partial", "cache/archives/partial"}) {
    fs::create_directories(directory / name, failure);
    if (failure) return fail_errno("create " + (directory / name).string(), failure.value());
  }
  HP_ASSIGN(const std::string codename, release_codename());
  HP_ASSIGN_DOING("read the system's package sources", const std::vector<AptSource> all, read_apt_sources("/etc/apt"));
  const std::vector<AptSource> sources = sources_of_release(all, codename);
  if (sources.empty()) {
    return tl::unexpected(
        Error(Errc::kNotFound, "no package source of " + codename + " (component main) is configured on this system")
            .with_remedy("add one to /etc/apt/sources.list.d, see sources.list(5)"));
  }
  HP_TRY(write_file(directory / "sources.list.d/hotpatch.sources", deb822_text(sources)));
  HP_TRY(write_file(directory / "status", ""));
  HP_ASSIGN(std::string settings, acquire_settings());
  const std::string here = directory.string();
  // Read before the system's own configuration, which the first two lines therefore keep out: its hooks act on the system.
  std::string text = "Dir::Etc::parts \"/dev/null\";\nDir::Etc::main \"/dev/null\";\n";
  text += "Dir::Etc::sourcelist \"/dev/null\";\nDir::Etc::sourceparts \"" + here + "/sources.list.d\";\n";
  text += "Dir::Etc::preferences \"/dev/null\";\nDir::Etc::preferencesparts \"/dev/null\";\n";
  text +=
      "Dir::State \"" + here + "\";\nDir::State::lists \"" + here + "/lists\";\nDir::State::status \"" + here + "/status\";\n";
  text += "Dir::Cache \"" + here + "/cache\";\n" + settings;
  text +=
      "Acquire::Languages \"none\";\nAcquire::AllowInsecureRepositories \"false\";\nAPT::Get::AllowUnauthenticated \"false\";\n";
  // The account that apt changes to when it is root has no way into a private directory.
  if (::geteuid() == 0) text += "APT::Sandbox::User \"root\";\n";
  return write_file(directory / "apt.conf", text);
}

}  // namespace

std::vector<ArchiveVersion> parse_madison(const std::string& text) {
  std::vector<ArchiveVersion> versions;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t first = line.find('|');
    const std::size_t second = first == std::string::npos ? first : line.find('|', first + 1);
    if (second == std::string::npos) continue;
    const auto trimmed = [](std::string_view part) {
      const std::size_t begin = part.find_first_not_of(' ');
      return begin == std::string_view::npos ? std::string()
                                             : std::string(part.substr(begin, part.find_last_not_of(' ') - begin + 1));
    };
    const std::string_view view(line);
    versions.push_back(
        {trimmed(view.substr(0, first)), trimmed(view.substr(first + 1, second - first - 1)), view.ends_with(" Sources")});
  }
  return versions;
}

Result<Apt> Apt::open(fs::path directory) {
  if (directory.string().find_first_of("\";\n") != std::string::npos) {
    return fail(Errc::kInvalid,
                "the cache directory " + directory.string() + " has a character that apt's configuration cannot hold");
  }
  HP_TRY_DOING("set apt up in " + directory.string(), write_setup(directory));
  return Apt(std::move(directory));
}

Result<std::string> Apt::run(std::vector<std::string> argv, const fs::path& where) const {
  process::Command command;
  command.argv = std::move(argv);
  command.directory = where;
  command.environment = {{"APT_CONFIG", (directory_ / "apt.conf").string()}, {"LC_ALL", "C"}};
  HP_ASSIGN(process::Outcome outcome, process::run_checked(command));
  return std::move(outcome.output);
}

Result<> Apt::update() const {
  HP_TRY_DOING("fetch the archive's package lists", run({"apt-get", "-q", "update"}, directory_));
  return {};
}

Result<std::vector<ArchiveVersion>> Apt::versions(const std::vector<std::string>& packages) const {
  std::vector<std::string> argv = {"apt-cache", "madison"};
  argv.insert(argv.end(), packages.begin(), packages.end());
  HP_ASSIGN(const std::string text, run(std::move(argv), directory_));
  return parse_madison(text);
}

Result<std::vector<std::string>> Apt::package_names(const std::string& prefix) const {
  HP_ASSIGN(const std::string text, run({"apt-cache", "pkgnames", prefix}, directory_));
  std::vector<std::string> names;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(prefix)) names.push_back(line);
  std::ranges::sort(names);
  return names;
}

Result<> Apt::download_source(const std::string& package, const std::string& version, const fs::path& into) const {
  HP_TRY_DOING("fetch the source package " + package + " " + version,
               run({"apt-get", "-q", "source", "--download-only", "--only-source", package + "=" + version}, into));
  return {};
}

Result<> Apt::download_binary(const std::string& package, const std::string& version, const fs::path& into) const {
  HP_TRY_DOING("fetch the package " + package + " " + version, run({"apt-get", "-q", "download", package + "=" + version}, into));
  return {};
}

Result<bool> is_newer(const std::string& version, const std::string& than) {
  process::Command command;
  command.argv = {"dpkg", "--compare-versions", version, "gt", than};
  HP_ASSIGN(const process::Outcome outcome, process::run(command));
  return outcome.exit_status == 0;
}

}  // namespace hotpatch::buildenv

// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/debian_xen.h"

#include <algorithm>
#include <charconv>
#include <ctime>
#include <optional>
#include <set>
#include <sstream>

#include "buildenv/apt.h"
#include "buildenv/base.h"
#include "buildenv/cache.h"
#include "buildenv/package_cache.h"
#include "common/process/process.h"
#include "common/support/file.h"

namespace hotpatch::buildenv {
namespace {

namespace fs = std::filesystem;

std::string image_package(const std::string& series) { return "xen-hypervisor-" + series + "-amd64"; }
std::string debug_package(const std::string& series) { return image_package(series) + "-dbg"; }

Result<XenPackages> packages_in(const fs::path& directory, const std::string& version) {
  HP_ASSIGN(const std::string series, xen_series(version));
  XenPackages packages{version, {}, {}, {}};
  std::error_code failure;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory, failure)) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(".dsc")) packages.dsc = entry.path();
    if (name.starts_with(image_package(series) + "_")) packages.image_deb = entry.path();
    if (name.starts_with(debug_package(series) + "_")) packages.debug_deb = entry.path();
  }
  if (packages.dsc.empty() || packages.image_deb.empty() || packages.debug_deb.empty()) {
    return fail(Errc::kNotFound, directory.string() + " does not have all of the source, image and debug packages");
  }
  return packages;
}

/// The versions of which the archive lists source, image and debug packages: `wanted` first, then the newest first.
Result<std::vector<std::string>> complete_versions(const Apt& apt, const std::string& wanted) {
  HP_ASSIGN(const std::vector<ArchiveVersion> sources, apt.versions({"xen"}));
  std::set<std::string> candidates;
  std::set<std::string> packages;
  for (const ArchiveVersion& source : sources) {
    if (!source.is_source || source.package != "xen") continue;
    const auto series = xen_series(source.version);
    if (!series) continue;
    candidates.insert(source.version);
    packages.insert(image_package(*series));
    packages.insert(debug_package(*series));
  }
  if (candidates.empty()) return fail(Errc::kNotFound, "the archive has no source package xen");
  HP_ASSIGN(const std::vector<ArchiveVersion> binaries, apt.versions({packages.begin(), packages.end()}));
  std::vector<std::string> versions;
  for (const std::string& version : candidates) {
    HP_ASSIGN(const std::string series, xen_series(version));
    if (!has_binary(binaries, image_package(series), version) || !has_binary(binaries, debug_package(series), version)) continue;
    auto place = versions.begin();
    for (; place != versions.end() && version != wanted; ++place) {
      HP_ASSIGN(const bool newer, is_newer(version, *place));
      if (newer && *place != wanted) break;
    }
    versions.insert(place, version);
  }
  if (versions.empty())
    return fail(Errc::kNotFound, "the archive has no version of xen with its source, image and debug packages all there");
  return versions;
}

Result<> download(const Apt& apt, const std::string& version, const fs::path& target) {
  HP_ASSIGN(const std::string series, xen_series(version));
  return keep_download(target, [&](const fs::path& into) -> Result<> {
    HP_TRY(apt.download_source("xen", version, into));
    HP_TRY(apt.download_binary(image_package(series), version, into));
    HP_TRY(apt.download_binary(debug_package(series), version, into));
    HP_TRY(packages_in(into, version));
    return {};
  });
}

Result<std::string> changelog_field(const fs::path& tree, const std::string& field) {
  process::Command command;
  command.argv = {"dpkg-parsechangelog", "-l", (tree / "debian/changelog").string(), "-S", field};
  HP_ASSIGN(process::Outcome outcome, process::run_checked(command));
  while (!outcome.output.empty() && outcome.output.back() == '\n') outcome.output.pop_back();
  return std::move(outcome.output);
}

Result<std::string> maintainer(const fs::path& tree) {
  HP_ASSIGN(const std::string text, read_text_file(tree / "debian/control"));
  constexpr std::string_view kField = "Maintainer: ";
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(kField)) return line.substr(kField.size());
  }
  return fail(Errc::kMalformed, "debian/control has no maintainer");
}

std::tm utc(std::int64_t seconds) {
  const std::time_t time = seconds;
  std::tm parts = {};
  (void)::gmtime_r(&time, &parts);
  return parts;
}

}  // namespace

Result<std::string> xen_series(const std::string& version) {
  const std::size_t bad = version.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.+~-");
  const std::size_t dot = version.find('.');
  const std::size_t end =
      dot == std::string::npos ? dot : std::min(version.find_first_not_of("0123456789", dot + 1), version.size());
  const bool is_number = dot != std::string::npos && dot != 0 && version.find_first_not_of("0123456789") == dot && end > dot + 1;
  if (bad != std::string::npos || !is_number) {
    return tl::unexpected(Error(Errc::kInvalid, "'" + version + "' is not a Debian version of Xen")
                              .with_remedy("give it as dpkg prints it, for example 4.17.5+72-g01140da4e8-1"));
  }
  return version.substr(0, end);
}

Result<XenPackages> fetch_xen(const fs::path& cache, const std::string& version, const Progress& progress) {
  HP_TRY(xen_series(version));
  const fs::path parent = cache / "packages";
  std::error_code failure;
  fs::create_directories(parent, failure);
  if (failure) return fail_errno("create " + parent.string(), failure.value());
  HP_ASSIGN(const FileLock lock, FileLock::take(parent / "lock", FileLock::Wait::kYes));
  if (is_complete_download(parent / ("xen_" + version))) {
    progress("using the packages of xen " + version + " kept in " + parent.string());
    return packages_in(parent / ("xen_" + version), version);
  }
  HP_ASSIGN(const Apt apt, Apt::open(cache / "apt"));
  progress("fetching the archive's package lists");
  HP_TRY(apt.update());
  HP_ASSIGN_DOING("look xen " + version + " up", const std::vector<std::string> versions, complete_versions(apt, version));
  std::optional<Error> first_failure;
  for (const std::string& chosen : versions) {
    const fs::path target = parent / ("xen_" + chosen);
    if (is_complete_download(target)) return packages_in(target, chosen);
    progress("fetching the source, image and debug packages of xen " + chosen);
    auto done = download(apt, chosen, target);
    if (done) return packages_in(target, chosen);
    // Any other failure may pass.
    if (!is_gone_from_archive(done.error())) return tl::unexpected(std::move(done).error());
    progress("xen " + chosen + " is listed in the archive, but not all of its packages are there");
    if (!first_failure) first_failure = std::move(done).error();
  }
  return tl::unexpected(*std::move(first_failure));
}

Result<XenShipped> unpack_shipped(const XenPackages& packages, const fs::path& into) {
  for (const fs::path& package : {packages.image_deb, packages.debug_deb}) {
    process::Command command;
    command.argv = {"dpkg-deb", "-x", package.string(), into.string()};
    HP_TRY_DOING("unpack " + package.filename().string(), process::run_checked(command));
  }
  HP_ASSIGN(const std::string series, xen_series(packages.version));
  XenShipped shipped{into / ("usr/lib/debug/boot/xen-syms-" + series + "-amd64"), into / ("boot/xen-" + series + "-amd64.gz"),
                     into / ("boot/xen-" + series + "-amd64.config"), into / ("boot/xen-" + series + "-amd64.efi")};
  for (const fs::path& file : {shipped.symbols, shipped.boot, shipped.config}) {
    std::error_code ignored;
    if (!fs::is_regular_file(file, ignored)) {
      return fail(Errc::kNotFound,
                  "the packages of xen " + packages.version + " do not have " + file.lexically_relative(into).string());
    }
  }
  return shipped;
}

Result<> unpack_source(const XenPackages& packages, const fs::path& tree) {
  process::Command command;
  // apt has verified the digests of these files under the archive's signature; the uploader's own needs a keyring that few have.
  command.argv = {"dpkg-source", "--no-check", "--no-copy", "-x", packages.dsc.string(), tree.string()};
  HP_TRY_DOING("unpack " + packages.dsc.filename().string(), process::run_checked(command));
  return {};
}

Result<XenBuild> debian_build(const fs::path& tree) {
  HP_ASSIGN(const std::string version, changelog_field(tree, "Version"));
  HP_ASSIGN(const std::string timestamp, changelog_field(tree, "Timestamp"));
  HP_ASSIGN(const std::string owner, maintainer(tree));
  std::int64_t seconds = 0;
  const auto parsed = std::from_chars(timestamp.data(), timestamp.data() + timestamp.size(), seconds);
  if (parsed.ec != std::errc() || timestamp.empty())
    return fail(Errc::kMalformed, "debian/changelog has the date '" + timestamp + "'");
  XenBuild build;
  build.environment = {
      {"DEB_MAINTAINER", owner},
      {"DEB_VERSION", version},
      {"GIT", "/bin/false"},
      {"LC_ALL", "C"},
      {"PATH", "/usr/sbin:/usr/bin:/sbin:/bin"},
      {"SOURCE_DATE_EPOCH", timestamp},
      {"WGET", "/bin/false"},
      {"XEN_BUILD_DATE", utc_date(seconds)},
      {"XEN_BUILD_TIME", utc_time(seconds)},
  };
  const std::string place(kTreePlaceholder);
  build.make_arguments = {"CC=x86_64-linux-gnu-gcc", "LD=x86_64-linux-gnu-ld", "XEN_COMPILE_ARCH=x86_64",
                          "XEN_TARGET_ARCH=x86_64",
                          "EXTRA_CFLAGS_XEN_CORE=-ffile-prefix-map=" + place + "=. -fdebug-prefix-map=" + place + "=."};
  return build;
}

std::string utc_date(std::int64_t seconds) {
  const std::tm parts = utc(seconds);
  char text[64] = {};
  return {text, std::strftime(text, sizeof text, "%a %b %e %H:%M:%S UTC %Y", &parts)};
}

std::string utc_time(std::int64_t seconds) {
  const std::tm parts = utc(seconds);
  char text[16] = {};
  return {text, std::strftime(text, sizeof text, "%H:%M:%S", &parts)};
}

}  // namespace hotpatch::buildenv

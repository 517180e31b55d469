// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/xen_tree.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <sstream>
#include <thread>

#include "buildenv/base.h"
#include "common/process/process.h"
#include "common/support/file.h"

namespace hotpatch::buildenv {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> make_command(const XenBuild& build, const fs::path& tree, std::vector<std::string> first) {
  std::vector<std::string> argv = {"make", "-C", (tree / "xen").string()};
  argv.insert(argv.end(), first.begin(), first.end());
  argv.emplace_back("V=1");
  for (std::string argument : build.make_arguments) {
    for (std::size_t at = argument.find(kTreePlaceholder); at != std::string::npos; at = argument.find(kTreePlaceholder, at)) {
      argument.replace(at, kTreePlaceholder.size(), tree.string());
    }
    argv.push_back(std::move(argument));
  }
  return argv;
}

/// The lines of the log that say what went wrong, with what the compiler said before.
std::string failure_lines(const std::string& log) {
  std::vector<std::string> kept;
  std::istringstream lines(log);
  for (std::string line; std::getline(lines, line);) {
    constexpr std::array<std::string_view, 5> kSigns = {"error: ", "Error: ", " *** ", "No space left on device",
                                                        "undefined reference"};
    const bool speaks =
        std::any_of(kSigns.begin(), kSigns.end(), [&](std::string_view sign) { return line.find(sign) != std::string::npos; });
    if (speaks && line.size() < 400) kept.push_back(line);
  }
  std::string text;
  for (std::size_t at = 0; at < std::min<std::size_t>(kept.size(), 8); ++at) text += "\n  " + kept[at];
  return text;
}

/// Tells from time to time how far the build is. The build's log is the only sign of life there is.
class Watcher {
 public:
  Watcher(fs::path log, const Progress& progress) : log_(std::move(log)), progress_(progress), thread_([this] { watch(); }) {}
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;
  ~Watcher() {
    done_ = true;
    thread_.join();
  }

 private:
  void watch() {
    for (int tick = 1; !done_; ++tick) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      if (tick % 50 == 0) progress_("building: " + std::to_string(objects()) + " objects");
    }
  }
  std::size_t objects() const {
    const auto text = read_text_file(log_);
    if (!text) return 0;
    std::size_t count = 0;
    for (std::size_t at = text->find(" -c "); at != std::string::npos; at = text->find(" -c ", at + 1)) ++count;
    return count;
  }

  fs::path log_;
  const Progress& progress_;
  std::atomic<bool> done_ = false;
  std::thread thread_;
};

}  // namespace

Result<> copy_source(const fs::path& source, const fs::path& tree) {
  std::error_code failure;
  if (!fs::is_regular_file(source / "xen/Rules.mk", failure) || !fs::is_regular_file(source / "Config.mk", failure)) {
    Error error(Errc::kInvalid, source.string() + " is not a source tree of Xen: it has no Config.mk and xen/Rules.mk");
    if (fs::is_regular_file(source / "Rules.mk", failure)) error = std::move(error).with_remedy("give the directory above it");
    return tl::unexpected(std::move(error));
  }
  process::Command command;
  command.argv = {"cp", "-a", "--reflink=auto", "-t", tree.string(), "--"};
  for (const fs::directory_entry& entry : fs::directory_iterator(source, failure)) {
    if (entry.path().filename() != ".git") command.argv.push_back(fs::absolute(entry.path()).string());
  }
  if (failure) return fail_errno("list " + source.string(), failure.value());
  fs::create_directories(tree, failure);
  if (failure) return fail_errno("create " + tree.string(), failure.value());
  HP_TRY_DOING("copy " + source.string(), process::run_checked(command));
  if (!fs::exists(source / "xen/include/config/auto.conf", failure)) return {};
  process::Command clean;
  clean.argv = {"make", "-C", (tree / "xen").string(), "distclean"};
  HP_TRY_DOING("remove an earlier build from the copy of " + source.string(), process::run_checked(clean));
  return {};
}

Result<std::string> build_xen(const fs::path& tree, const XenBuild& build, const fs::path& config, const fs::path& work,
                              unsigned threads, const Progress& progress) {
  std::error_code failure;
  fs::copy_file(config, tree / "xen/.config", fs::copy_options::overwrite_existing, failure);
  if (failure) return fail_errno("copy " + config.string(), failure.value());
  if (threads == 0) threads = std::max(1U, std::thread::hardware_concurrency());
  const fs::path log = work / "build.log";
  std::string text;
  for (const std::vector<std::string>& goals :
       {std::vector<std::string>{"olddefconfig"}, std::vector<std::string>{"-j" + std::to_string(threads), "-Otarget"}}) {
    process::Command command;
    command.argv = make_command(build, tree, goals);
    command.clear_environment = true;
    command.environment = build.environment;
    command.output_file = log;
    progress(goals.front() == "olddefconfig" ? "configuring" : "building with " + std::to_string(threads) + " jobs");
    const auto outcome = [&] {
      const Watcher watcher(log, progress);
      return process::run(command);
    }();
    if (!outcome) return tl::unexpected(Error(outcome.error()).while_doing("build"));
    HP_ASSIGN(text, read_text_file(log));
    if (outcome->exit_status != 0) {
      return fail(Errc::kInvalid,
                  "the build failed (make's exit status " + std::to_string(outcome->exit_status) + "):" + failure_lines(text));
    }
  }
  fs::remove(log, failure);
  return text;
}

XenBuild user_build(const std::vector<std::string>& make_variables) {
  const char* path = std::getenv("PATH");
  XenBuild build;
  build.environment = {{"LC_ALL", "C"}, {"PATH", path == nullptr ? "/usr/bin:/bin" : path}};
  build.make_arguments = make_variables;
  const bool has_flags = std::any_of(make_variables.begin(), make_variables.end(),
                                     [](const std::string& variable) { return variable.starts_with("EXTRA_CFLAGS_XEN_CORE="); });
  // Without this, debug information would hold the directory, and a command run again elsewhere would make another object.
  const std::string place(kTreePlaceholder);
  if (!has_flags)
    build.make_arguments.push_back("EXTRA_CFLAGS_XEN_CORE=-ffile-prefix-map=" + place + "=. -fdebug-prefix-map=" + place + "=.");
  return build;
}

std::string make_variable(const std::vector<std::string>& arguments, const std::string& name, const std::string& otherwise) {
  for (const std::string& argument : arguments) {
    if (argument.starts_with(name + "=")) return argument.substr(name.size() + 1);
  }
  return otherwise;
}

}  // namespace hotpatch::buildenv

// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/process/process.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <map>
#include <string_view>

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/support/unique_fd.h"

extern char** environ;

namespace hotpatch::process {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> make_environment(const Command& command) {
  std::map<std::string, std::string> variables;
  if (!command.clear_environment) {
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
      const std::string_view text(*entry);
      const std::size_t equals = text.find('=');
      if (equals != std::string_view::npos) variables.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
  }
  for (const std::string& name : command.unset) variables.erase(name);
  for (const auto& [name, value] : command.environment) variables[name] = value;
  std::vector<std::string> lines;
  lines.reserve(variables.size());
  for (const auto& [name, value] : variables) lines.push_back(name + "=" + value);
  return lines;
}

std::string path_of(const std::vector<std::string>& environment) {
  for (const std::string& line : environment) {
    if (line.starts_with("PATH=")) return line.substr(5);
  }
  return "/usr/bin:/bin";
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  result.reserve(strings.size() + 1);
  for (std::string& text : strings) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

/// A file in memory, so that neither side ever waits for the other, and a grandchild that keeps it open keeps nobody waiting.
Result<UniqueFd> memory_file(std::string_view content) {
  UniqueFd file(::memfd_create("hotpatch", MFD_CLOEXEC));
  if (!file.valid()) return fail_errno("create a file in memory", errno);
  while (!content.empty()) {
    const ssize_t written = ::write(file.get(), content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail_errno("write standard input of a program", errno);
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::lseek(file.get(), 0, SEEK_SET) < 0) return fail_errno("rewind standard input of a program", errno);
  return file;
}

Result<std::string> content_of(const UniqueFd& file) {
  struct stat status = {};
  if (::fstat(file.get(), &status) != 0) return fail_errno("read what a program wrote", errno);
  std::string text(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t got = ::pread(file.get(), text.data() + done, text.size() - done, static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("read what a program wrote", errno);
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  text.resize(done);
  return text;
}

struct Streams {
  UniqueFd input;
  UniqueFd output;
  UniqueFd errors;  // not valid: the same as output
};

Result<Streams> open_streams(const Command& command) {
  Streams streams;
  if (command.input.empty()) {
    streams.input = UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!streams.input.valid()) return fail_errno("open /dev/null", errno);
  } else {
    HP_ASSIGN(streams.input, memory_file(command.input));
  }
  if (command.output_file.empty()) {
    HP_ASSIGN(streams.output, memory_file({}));
    HP_ASSIGN(streams.errors, memory_file({}));
  } else {
    streams.output = UniqueFd(::open(command.output_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644));
    if (!streams.output.valid()) return fail_errno("create " + command.output_file.string(), errno);
  }
  return streams;
}

/// What the child needs between fork and exec, where nothing may allocate.
struct Launch {
  const char* program;
  char* const* argv;
  char* const* environment;
  const char* directory;  // null: stay
  int input;
  int output;
  int errors;
  int failure;  // write end of a pipe that exec closes
  bool own_group;
  pid_t parent;
};

[[noreturn]] void give_up(int failure) {
  const int error = errno;
  (void)!::write(failure, &error, sizeof error);
  ::_exit(127);
}

[[noreturn]] void run_child(const Launch& launch) {
  if (launch.own_group) (void)::setpgid(0, 0);
  (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != launch.parent) ::_exit(127);
  sigset_t none;
  (void)sigemptyset(&none);
  (void)::sigprocmask(SIG_SETMASK, &none, nullptr);
  (void)::signal(SIGPIPE, SIG_DFL);
  if (::dup2(launch.input, STDIN_FILENO) < 0 || ::dup2(launch.output, STDOUT_FILENO) < 0 ||
      ::dup2(launch.errors, STDERR_FILENO) < 0) {
    give_up(launch.failure);
  }
  (void)::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
  if (launch.directory != nullptr && ::chdir(launch.directory) != 0) give_up(launch.failure);
  ::execve(launch.program, launch.argv, launch.environment);
  give_up(launch.failure);
}

/// Waits until the child has ended; false if `timeout` (0: none) is over before.
bool wait_for_end(pid_t child, std::chrono::milliseconds timeout) {
  if (timeout.count() <= 0) return true;
  const UniqueFd handle(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    pollfd waiting = {handle.get(), POLLIN, 0};
    const int ready = ::poll(&waiting, 1, static_cast<int>(std::min<std::int64_t>(left.count(), 60'000)));
    if (ready > 0) return true;
  }
}

int reap(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {}
  if (WIFSIGNALED(status)) return 128 + WTERMSIG(status);
  return WEXITSTATUS(status);
}

std::string last_lines(std::string_view text, std::size_t count) {
  while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  std::size_t begin = text.size();
  for (std::size_t line = 0; line < count && begin != 0; ++line) {
    const std::size_t newline = text.rfind('\n', begin - 1);
    begin = newline == std::string_view::npos ? 0 : newline;
  }
  if (begin < text.size() && text[begin] == '\n') ++begin;
  return std::string(text.substr(begin));
}

bool needs_quotes(std::string_view word) {
  return word.empty() || word.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+=./:,@%") !=
                             std::string_view::npos;
}

}  // namespace

std::optional<fs::path> find_program(const std::string& name, const std::string& path) {
  std::size_t begin = 0;
  while (begin <= path.size()) {
    const std::size_t end = std::min(path.find(':', begin), path.size());
    fs::path candidate = fs::path(path.substr(begin, end - begin)) / name;
    std::error_code ignored;
    if (fs::is_regular_file(candidate, ignored) && ::access(candidate.c_str(), X_OK) == 0) return candidate;
    begin = end + 1;
  }
  return std::nullopt;
}

Result<Outcome> run(const Command& command) {
  if (command.argv.empty() || command.argv.front().empty()) return fail(Errc::kInvalid, "run a program: none is named");
  std::vector<std::string> environment = make_environment(command);
  std::string program = command.argv.front();
  if (program.find('/') == std::string::npos) {
    const std::optional<fs::path> found = find_program(program, path_of(environment));
    if (!found) return fail(Errc::kNotFound, "program " + program + " is not installed");
    program = found->string();
  }
  HP_ASSIGN_DOING("run " + command.argv.front(), Streams streams, open_streams(command));
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno("run " + program, errno);
  const UniqueFd failure_out(ends[0]);
  UniqueFd failure_in(ends[1]);

  std::vector<std::string> words = command.argv;
  const std::vector<char*> argv = pointers(words);
  const std::vector<char*> variables = pointers(environment);
  const int errors = streams.errors.valid() ? streams.errors.get() : streams.output.get();
  const bool own_group = command.timeout.count() > 0;
  const Launch launch{program.c_str(),
                      argv.data(),
                      variables.data(),
                      command.directory.empty() ? nullptr : command.directory.c_str(),
                      streams.input.get(),
                      streams.output.get(),
                      errors,
                      failure_in.get(),
                      own_group,
                      ::getpid()};
  const pid_t child = ::fork();
  if (child < 0) return fail_errno("run " + program, errno);
  if (child == 0) run_child(launch);
  if (own_group) (void)::setpgid(child, child);  // whoever is first: the group must exist before it can be killed
  failure_in.reset();
  int exec_error = 0;
  ssize_t got = 0;
  while ((got = ::read(failure_out.get(), &exec_error, sizeof exec_error)) < 0 && errno == EINTR) {}
  if (got == static_cast<ssize_t>(sizeof exec_error)) {
    (void)reap(child);
    if (exec_error == ENOENT) {
      return fail(Errc::kNotFound, command.directory.empty() ? "program " + program + " does not exist"
                                                             : "program " + program + " or directory " +
                                                                   command.directory.string() + " does not exist");
    }
    return fail_errno("run " + program, exec_error);
  }
  Outcome outcome;
  if (!wait_for_end(child, command.timeout)) {
    outcome.timed_out = true;
    (void)::kill(-child, SIGKILL);
  }
  outcome.exit_status = reap(child);
  if (command.output_file.empty()) {
    HP_ASSIGN_DOING("run " + program, outcome.output, content_of(streams.output));
    HP_ASSIGN_DOING("run " + program, outcome.errors, content_of(streams.errors));
  }
  return outcome;
}

Result<Outcome> run_checked(const Command& command) {
  HP_ASSIGN(Outcome outcome, run(command));
  if (outcome.exit_status == 0 && !outcome.timed_out) return outcome;
  std::string message = describe(command) + ": ";
  message += outcome.timed_out ? "not done after " + std::to_string(command.timeout.count()) + " ms"
                               : "exit status " + std::to_string(outcome.exit_status);
  const std::string lines = last_lines(outcome.errors.empty() ? outcome.output : outcome.errors, 12);
  if (!lines.empty()) message += "\n" + lines;
  return fail(outcome.timed_out ? Errc::kBusy : Errc::kIo, std::move(message));
}

std::string describe(const Command& command) {
  std::string text;
  for (const std::string& word : command.argv) {
    if (!text.empty()) text += ' ';
    if (!needs_quotes(word)) {
      text += word;
      continue;
    }
    text += '\'';
    for (const char character : word) {
      if (character == '\'') {
        text += "'\\''";
      } else {
        text += character;
      }
    }
    text += '\'';
  }
  return text;
}

}  // namespace hotpatch::process

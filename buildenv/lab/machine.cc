// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/lab/machine.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace hotpatch::lab {
namespace {

constexpr std::size_t kMaxMessages = 64 * 1024;

struct Pipe {
  UniqueFd reader;
  UniqueFd writer;
};

// Moved above all numbers that the child will use, so that dup2() there cannot overwrite a source that is still needed.
Result<UniqueFd> move_high(UniqueFd fd, int floor) {
  const int high = ::fcntl(fd.get(), F_DUPFD_CLOEXEC, floor);
  if (high < 0) return fail_errno("duplicate a descriptor", errno);
  return UniqueFd(high);
}

Result<Pipe> make_pipe(int floor) {
  std::array<int, 2> fds{};
  if (::pipe2(fds.data(), O_CLOEXEC) != 0) return fail_errno("make a pipe", errno);
  Pipe raw{UniqueFd(fds[0]), UniqueFd(fds[1])};
  Pipe pipe;
  HP_ASSIGN(pipe.reader, move_high(std::move(raw.reader), floor));
  HP_ASSIGN(pipe.writer, move_high(std::move(raw.writer), floor));
  if (::fcntl(pipe.reader.get(), F_SETFL, O_NONBLOCK) != 0) return fail_errno("set a pipe non-blocking", errno);
  return pipe;
}

// Appends what is there; closes the descriptor at its end.
Result<> drain(UniqueFd& fd, std::string& into, std::size_t limit) {
  std::array<char, 65536> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): read() fills it
  while (fd.valid()) {
    const ssize_t count = ::read(fd.get(), buffer.data(), buffer.size());
    if (count == 0) fd.reset();
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) return {};
    if (count < 0) return fail_errno("read from QEMU", errno);
    if (into.size() < limit) into.append(buffer.data(), std::min(static_cast<std::size_t>(count), limit - into.size()));
    if (static_cast<std::size_t>(count) < buffer.size()) return {};
  }
  return {};
}

}  // namespace

Result<UniqueFd> memory_file(const char* name, ByteView content) {
  UniqueFd fd(::memfd_create(name, MFD_CLOEXEC));
  if (!fd.valid()) return fail_errno(std::string("make a file in memory for ") + name, errno);
  while (!content.empty()) {
    const ssize_t count = ::write(fd.get(), content.data(), content.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno(std::string("write a file in memory for ") + name, errno);
    content = content.subspan(static_cast<std::size_t>(count));
  }
  return fd;
}

std::string fd_path(int fd) { return "/dev/fd/" + std::to_string(fd); }

Machine::Machine(Machine&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      status_(other.status_),
      console_(std::move(other.console_)),
      protocol_(std::move(other.protocol_)),
      messages_(std::move(other.messages_)),
      messages_text_(std::move(other.messages_text_)) {}

Machine::~Machine() {
  if (pid_ > 0) (void)kill();
}

Result<Machine> Machine::start(const std::vector<std::string>& argv, const std::vector<UniqueFd>& files) {
  HP_CHECK(!argv.empty(), "a program to start");
  const int floor = kFirstFileFd + static_cast<int>(files.size());
  HP_ASSIGN(Pipe console, make_pipe(floor));
  HP_ASSIGN(Pipe protocol, make_pipe(floor));
  HP_ASSIGN(Pipe messages, make_pipe(floor));
  HP_ASSIGN(Pipe failure, make_pipe(floor));  // carries errno of a failed exec; closed by a successful one
  std::vector<UniqueFd> sources;
  for (const UniqueFd& file : files) {
    const int high = ::fcntl(file.get(), F_DUPFD_CLOEXEC, floor);
    if (high < 0) return fail_errno("duplicate a descriptor", errno);
    sources.emplace_back(high);
  }
  UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!null.valid()) return fail_errno("open /dev/null", errno);
  HP_ASSIGN(null, move_high(std::move(null), floor));
  std::vector<char*> arguments;
  for (const std::string& argument : argv)
    arguments.push_back(const_cast<char*>(argument.c_str()));  // NOLINT: execvp's signature
  arguments.push_back(nullptr);

  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return fail_errno("start " + argv[0], errno);
  if (pid == 0) {  // only async-signal-safe calls from here
    (void)::setpgid(0, 0);
    (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);  // it died before prctl()
    sigset_t none;
    (void)::sigemptyset(&none);
    (void)::sigprocmask(SIG_SETMASK, &none, nullptr);
    bool good = ::dup2(null.get(), 0) == 0 && ::dup2(messages.writer.get(), 1) == 1 && ::dup2(messages.writer.get(), 2) == 2 &&
                ::dup2(console.writer.get(), kConsoleFd) >= 0 && ::dup2(protocol.writer.get(), kProtocolFd) >= 0;
    for (std::size_t i = 0; good && i < sources.size(); ++i)
      good = ::dup2(sources[i].get(), kFirstFileFd + static_cast<int>(i)) >= 0;
    if (good) (void)::execvp(arguments[0], arguments.data());
    const int error = errno;
    (void)!::write(failure.writer.get(), &error, sizeof error);
    ::_exit(127);
  }
  (void)::setpgid(pid, pid);  // whoever comes first; needed before any kill() of the group
  Machine machine;
  machine.pid_ = pid;
  machine.console_ = std::move(console.reader);
  machine.protocol_ = std::move(protocol.reader);
  machine.messages_ = std::move(messages.reader);
  failure.writer.reset();
  pollfd wait{failure.reader.get(), POLLIN, 0};
  while (::poll(&wait, 1, -1) < 0 && errno == EINTR) {}
  int error = 0;
  if (::read(failure.reader.get(), &error, sizeof error) == static_cast<ssize_t>(sizeof error)) {
    (void)machine.kill();
    if (error == ENOENT) return fail(Errc::kNotFound, "there is no program " + argv[0]);
    return fail_errno("start " + argv[0], error);
  }
  return machine;
}

Result<Machine::Input> Machine::read(std::chrono::milliseconds patience) {
  Input input;
  std::array<pollfd, 3> fds = {{{console_.get(), POLLIN, 0}, {protocol_.get(), POLLIN, 0}, {messages_.get(), POLLIN, 0}}};
  if (is_over()) return input;
  const int ready = ::poll(fds.data(), fds.size(), static_cast<int>(patience.count()));  // a descriptor of -1 is left out
  if (ready < 0 && errno != EINTR) return fail_errno("wait for QEMU", errno);
  if (ready <= 0) return input;
  HP_TRY(drain(console_, input.console, std::string::npos));
  HP_TRY(drain(protocol_, input.protocol, std::string::npos));
  HP_TRY(drain(messages_, messages_text_, kMaxMessages));
  return input;
}

int Machine::kill() {
  if (status_) return *status_;
  HP_CHECK(pid_ > 0, "a started machine");
  // The group, for children that QEMU may have; one that has ended by itself keeps its own status, as it has not been reaped yet.
  (void)::kill(-pid_, SIGKILL);
  int raw = 0;
  while (::waitpid(pid_, &raw, 0) < 0 && errno == EINTR) {}
  pid_ = -1;
  status_ = WIFSIGNALED(raw) ? 128 + WTERMSIG(raw) : WEXITSTATUS(raw);
  return *status_;
}

}  // namespace hotpatch::lab

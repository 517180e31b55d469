// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/e2e/guest/tracer.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <system_error>

namespace hotpatch::e2e {
namespace {

[[noreturn]] void give_up(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

/// Of the program's memory.
template <typename T>
T peek(pid_t child, std::uint64_t address) {
  T value{};
  iovec here = {&value, sizeof value};
  iovec there = {reinterpret_cast<void*>(address), sizeof value};
  if (::process_vm_readv(child, &here, 1, &there, 1, 0) != static_cast<ssize_t>(sizeof value)) give_up("process_vm_readv");
  return value;
}

/// xen/include/public/sysctl.h and Linux' privcmd.h: an upload of a payload, or an action on one.
bool is_change_of_xen(pid_t child, const user_regs_struct& registers) {
  constexpr std::uint64_t kSysctl = 35;           // __HYPERVISOR_sysctl
  constexpr std::uint32_t kLivepatch = 27;        // XEN_SYSCTL_livepatch_op
  constexpr unsigned long kPrivcmdHypercall = 0;  // the number of IOCTL_PRIVCMD_HYPERCALL
  constexpr unsigned long kPrivcmd = 'P';
  if (((registers.rsi >> 8) & 0xff) != kPrivcmd || (registers.rsi & 0xff) != kPrivcmdHypercall) return false;
  const auto hypercall = peek<std::array<std::uint64_t, 2>>(child, registers.rdx);  // the operation, its first argument
  if (hypercall[0] != kSysctl) return false;
  const auto sysctl = peek<std::array<std::uint32_t, 3>>(child, hypercall[1]);  // command, interface version, livepatch's command
  return sysctl[0] == kLivepatch && (sysctl[2] == 0 || sysctl[2] == 3);
}

/// What may be a step, and its name. The kernel stops the program at these calls alone (seccomp): to stop at all of them would take an
/// emulated machine seconds for each run.
struct Call {
  unsigned number;
  const char* name;
};
constexpr std::array kCalls = {
    Call{SYS_ioctl, "hypercall"}, Call{SYS_write, "write"},         Call{SYS_openat, "open"},   Call{SYS_rename, "rename"},
    Call{SYS_renameat, "rename"}, Call{SYS_renameat2, "rename"},    Call{SYS_unlink, "unlink"}, Call{SYS_unlinkat, "unlink"},
    Call{SYS_mkdir, "mkdir"},     Call{SYS_ftruncate, "ftruncate"},
};

/// The name, if the call is a step.
const char* step_name(pid_t child, const user_regs_struct& registers) {
  constexpr unsigned long kFirstFile = 3;  // what the program prints is none of its work
  if (registers.orig_rax == SYS_ioctl && !is_change_of_xen(child, registers)) return nullptr;
  if (registers.orig_rax == SYS_write && registers.rdi < kFirstFile) return nullptr;
  if (registers.orig_rax == SYS_openat && (registers.rdx & O_CREAT) == 0) return nullptr;
  for (const Call& call : kCalls)
    if (call.number == registers.orig_rax) return call.name;
  return nullptr;
}

/// From now on, this process and what it becomes stop at kCalls for whoever traces them.
bool stop_at_calls() {
  std::vector<sock_filter> filter = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
  for (const Call& call : kCalls) {
    filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call.number, 0, 1));
    filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE));
  }
  filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  const sock_fprog program = {static_cast<unsigned short>(filter.size()), filter.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

[[noreturn]] void run_child(const std::function<int()>& work, const std::string& output) {
  const int file = ::open(output.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0 || ::dup2(file, 1) < 0 || ::dup2(file, 2) < 0 || ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(127);
  (void)::raise(SIGSTOP);
  if (!stop_at_calls()) ::_exit(127);
  ::_exit(work());
}

int wait_for(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR) give_up("waitpid");
  return status;
}

class Tracee {
 public:
  Tracee(pid_t child, const Spot& spot) : child_(child), spot_(spot) {}

  Ending run() {
    int status = wait_for(child_);  // it stops itself
    if (WIFSTOPPED(status) && ::ptrace(PTRACE_SETOPTIONS, child_, nullptr, PTRACE_O_EXITKILL | PTRACE_O_TRACESECCOMP) != 0)
      give_up("PTRACE_SETOPTIONS");
    int signal = 0;
    while (WIFSTOPPED(status)) {
      const auto request = ends_at_exit_ ? PTRACE_SYSCALL : PTRACE_CONT;
      if (::ptrace(request, child_, nullptr, signal) != 0) give_up("PTRACE_CONT");
      status = wait_for(child_);
      signal = 0;
      if (!WIFSTOPPED(status)) break;
      const bool is_call = status >> 8 == (SIGTRAP | (PTRACE_EVENT_SECCOMP << 8));
      if (ends_at_exit_ ? WSTOPSIG(status) == SIGTRAP : is_call && is_end_at_entry()) return kill();
      if (WSTOPSIG(status) != SIGTRAP) signal = WSTOPSIG(status);  // SIGTRAP: a call, or it has become another program
    }
    ending_.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return ending_;
  }

 private:
  bool is_end_at_entry() {
    user_regs_struct registers{};
    if (::ptrace(PTRACE_GETREGS, child_, nullptr, &registers) != 0) give_up("PTRACE_GETREGS");
    const char* name = step_name(child_, registers);
    if (name == nullptr) return false;
    if (spot_.moment == Moment::kTorn && registers.orig_rax != SYS_write) return false;
    if (spot_.moment == Moment::kAfter && registers.orig_rax != SYS_ioctl) return false;
    ending_.last = name;
    if (++steps_ != spot_.step) return false;
    if (spot_.moment == Moment::kBefore) return true;
    ends_at_exit_ = true;
    if (spot_.moment == Moment::kAfter) return false;
    registers.rdx /= 2;
    if (::ptrace(PTRACE_SETREGS, child_, nullptr, &registers) != 0) give_up("PTRACE_SETREGS");
    return false;
  }

  Ending kill() {
    ::kill(child_, SIGKILL);
    while (!WIFSIGNALED(wait_for(child_))) {}
    ending_.was_killed = true;
    return ending_;
  }

  pid_t child_;
  Spot spot_;
  Ending ending_;
  bool ends_at_exit_ = false;
  unsigned steps_ = 0;  // that the moment can be of
};

}  // namespace

Ending run_until(const std::function<int()>& work, const std::string& output, const Spot& spot) {
  const pid_t child = ::fork();
  if (child < 0) give_up("fork");
  if (child == 0) run_child(work, output);
  return Tracee(child, spot).run();
}

int become(const std::vector<std::string>& argv) {
  std::vector<char*> words;
  for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  (void)::execv(words[0], words.data());
  return 127;
}

}  // namespace hotpatch::e2e

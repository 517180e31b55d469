// SPDX-License-Identifier: GPL-2.0-or-later
#include "programs/hotpatch/interrupt.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>

namespace hotpatch::cli {
namespace {

constexpr int kTries = 10;  // compilers that still run may make new files meanwhile

}  // namespace

RemoveOnSignal::RemoveOnSignal(std::filesystem::path directory) : directory_(std::move(directory)) {
  (void)sigemptyset(&signals_);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction now{};
    // What the caller has ignored (nohup) stays ignored.
    if (::sigaction(number, nullptr, &now) == 0 && now.sa_handler != SIG_IGN) (void)sigaddset(&signals_, number);
  }
  arrived_ = UniqueFd(::signalfd(-1, &signals_, SFD_CLOEXEC));
  done_ = UniqueFd(::eventfd(0, EFD_CLOEXEC));
  if (!arrived_.valid() || !done_.valid()) return;  // then a signal ends the process at once, and the directory stays
  (void)::pthread_sigmask(SIG_BLOCK, &signals_, &before_);
  waiter_ = std::thread([this] { wait(); });
}

RemoveOnSignal::~RemoveOnSignal() {
  if (!waiter_.joinable()) return;
  const std::uint64_t one = 1;
  (void)!::write(done_.get(), &one, sizeof one);
  waiter_.join();
  (void)::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

void RemoveOnSignal::wait() {
  std::array<pollfd, 2> ends = {{{arrived_.get(), POLLIN, 0}, {done_.get(), POLLIN, 0}}};
  while (::poll(ends.data(), ends.size(), -1) < 0 && errno == EINTR) {}
  signalfd_siginfo signal{};
  if ((ends[0].revents & POLLIN) == 0 || ::read(arrived_.get(), &signal, sizeof signal) != sizeof signal) return;
  std::error_code failure;
  for (int attempt = 0; attempt < kTries && std::filesystem::exists(directory_, failure); ++attempt)
    std::filesystem::remove_all(directory_, failure);
  const int number = static_cast<int>(signal.ssi_signo);
  (void)::signal(number, SIG_DFL);
  sigset_t only;
  (void)sigemptyset(&only);
  (void)sigaddset(&only, number);
  (void)::pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
  (void)::raise(number);
}

}  // namespace hotpatch::cli

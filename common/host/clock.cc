// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/host/clock.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <ctime>

namespace hotpatch {
namespace {

volatile std::sig_atomic_t stop_signal = 0;

void note_signal(int number) { stop_signal = number; }

timespec to_timespec(Milliseconds duration) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration);
  const auto rest = std::chrono::duration_cast<std::chrono::nanoseconds>(duration - seconds);
  timespec made{};
  made.tv_sec = static_cast<std::time_t>(seconds.count());
  made.tv_nsec = static_cast<long>(rest.count());
  return made;
}

}  // namespace

SystemClock::SystemClock() {
  struct sigaction action{};
  action.sa_handler = note_signal;
  action.sa_flags = static_cast<int>(SA_RESETHAND);  // the second signal does what it always does
  (void)sigemptyset(&action.sa_mask);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before{};
    // What is ignored stays so: nohup.
    if (sigaction(number, nullptr, &before) == 0 && before.sa_handler != SIG_IGN) (void)sigaction(number, &action, nullptr);
  }
}

Milliseconds SystemClock::now() { return std::chrono::duration_cast<Milliseconds>(precisely_now()); }

std::chrono::microseconds SystemClock::precisely_now() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch());
}

void SystemClock::sleep(Milliseconds duration) {
  timespec left = to_timespec(duration);
  while (::clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR && stop_signal == 0) {}
}

bool SystemClock::stop_requested() { return stop_signal != 0; }

std::string SystemClock::utc() {
  timespec now{};
  (void)::clock_gettime(CLOCK_REALTIME, &now);
  std::tm parts{};
  (void)::gmtime_r(&now.tv_sec, &parts);
  std::array<char, 40> date{};
  const std::size_t size = std::strftime(date.data(), date.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  std::array<char, 8> fraction{};
  (void)std::snprintf(fraction.data(), fraction.size(), ".%03dZ", static_cast<int>(now.tv_nsec / 1000000));
  return std::string(date.data(), size) + fraction.data();
}

}  // namespace hotpatch

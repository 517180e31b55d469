// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/lab/protocol.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace hotpatch::lab {
namespace {

constexpr std::size_t kMaxLine = 64 * 1024;   // longer lines are cut: a guest gone wild must not fill our memory
constexpr std::size_t kMaxConsole = 200'000;  // lines

template <typename T>
std::optional<T> take_number(std::string_view& text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

// Hands each complete line in `rest` + `bytes` to `use`, without "\r\n"; keeps the incomplete one in `rest`.
template <typename Use>
void split_lines(std::string& rest, std::string_view bytes, Use use) {
  while (!bytes.empty()) {
    const std::size_t newline = bytes.find('\n');
    const std::string_view piece = bytes.substr(0, newline);
    if (rest.size() < kMaxLine) rest += piece.substr(0, kMaxLine - rest.size());
    if (newline == std::string_view::npos) return;
    bytes.remove_prefix(newline + 1);
    while (!rest.empty() && rest.back() == '\r') rest.pop_back();
    use(std::string_view(rest));
    rest.clear();
  }
}

// The line without what would move a terminal's cursor or colour it (ECMA-48, "CSI"), as firmware writes it.
std::string without_control_sequences(std::string_view line) {
  std::string text;
  for (std::size_t at = 0; at < line.size(); ++at) {
    if (line.substr(at).starts_with("\x1b[")) {
      at = std::min(line.find_first_not_of("0123456789;:<=>?", at + 2), line.size());  // ends with the byte after its parameters
    } else {
      text += line[at];
    }
  }
  return text;
}

// What the kernel's log puts before the text of a marker: "[    5.123456] ".
bool is_timestamp(std::string_view text) {
  return text.size() >= 3 && text.front() == '[' && text.ends_with("] ") &&
         text.find_first_not_of("[] .0123456789") == std::string_view::npos;
}

}  // namespace

std::optional<std::string> decode_base64(std::string_view digits) {
  if (digits.size() % 4 != 0) return std::nullopt;
  std::string out;
  out.reserve(digits.size() / 4 * 3);
  for (std::size_t i = 0; i < digits.size(); i += 4) {
    std::uint32_t group = 0;
    int padding = 0;
    for (std::size_t j = 0; j < 4; ++j) {
      const char c = digits[i + j];
      std::uint32_t value = 0;
      if (c >= 'A' && c <= 'Z')
        value = static_cast<std::uint32_t>(c - 'A');
      else if (c >= 'a' && c <= 'z')
        value = static_cast<std::uint32_t>(c - 'a') + 26;
      else if (c >= '0' && c <= '9')
        value = static_cast<std::uint32_t>(c - '0') + 52;
      else if (c == '+')
        value = 62;
      else if (c == '/')
        value = 63;
      else if (c == '=' && j >= 2 && i + 4 == digits.size())
        ++padding;
      else
        return std::nullopt;
      if (padding > 0 && c != '=') return std::nullopt;
      group = group << 6 | value;
    }
    out += static_cast<char>(group >> 16 & 0xFF);
    if (padding < 2) out += static_cast<char>(group >> 8 & 0xFF);
    if (padding < 1) out += static_cast<char>(group & 0xFF);
  }
  return out;
}

std::optional<std::string> fatal_console_line(std::string_view line, System system) {
  // The wording of Xen 4.17 (arch/x86/traps.c, common/domain.c, drivers/char/console.c, common/shutdown.c) and of Linux 6.1
  // (kernel/panic.c, arch/x86/mm/fault.c, arch/x86/kernel/dumpstack.c, lib/bug.c).
  struct Sign {
    std::string_view text;
    const char* meaning;
  };
  // Of a kernel, what a lab's command line (qemu.cc) makes a panic is seen by its own first line.
  static constexpr std::array<Sign, 6> kLinuxSigns = {{
      {"BUG: unable to handle", "the kernel met an oops"},
      {"BUG: kernel NULL pointer dereference", "the kernel met an oops: a null pointer"},
      {"general protection fault, ", "the kernel met an oops: a general protection fault"},
      {"kernel BUG at", "the kernel ran into a BUG"},
      {"Oops: ", "the kernel met an oops"},
      {"Kernel panic - not syncing", "the kernel panicked"},
  }};
  if (system == System::kLinux) {
    for (const Sign& sign : kLinuxSigns)
      if (line.find(sign.text) != std::string_view::npos) return sign.meaning;
    return std::nullopt;
  }
  static constexpr std::array<Sign, 6> kSigns = {{
      {"DOUBLE FAULT", "the hypervisor met a double fault"},
      {"(XEN) Panic on CPU", "the hypervisor panicked"},
      {"FATAL TRAP: vector", "the hypervisor met a fatal trap"},
      {"(XEN) Xen BUG at", "the hypervisor ran into a BUG"},
      {"(XEN) Hardware Dom0 ", "dom0 crashed or shut down"},
      {"Kernel panic - not syncing", "dom0's kernel panicked"},
  }};
  for (const Sign& sign : kSigns)
    if (line.find(sign.text) != std::string_view::npos) return sign.meaning;
  return std::nullopt;
}

bool is_stall_report(std::string_view line) {
  // Linux 6.1: kernel/rcu/tree_stall.h, kernel/watchdog.c, kernel/hung_task.c.
  return (line.find("rcu:") != std::string_view::npos && line.find("detected") != std::string_view::npos &&
          line.find("stall") != std::string_view::npos) ||
         line.find("BUG: soft lockup") != std::string_view::npos || line.find("blocked for more than") != std::string_view::npos;
}

GuestObserver::GuestObserver(const std::vector<Step>& steps, System system)
    : console_ended_(steps.size(), false), system_(system) {
  for (const Step& step : steps) {
    StepOutcome outcome;
    outcome.name = step.name;
    outcome.command = step.command;
    outcomes_.push_back(std::move(outcome));
    expected_.push_back(step.expected_status);
  }
}

void GuestObserver::feed_console(std::string_view bytes) {
  split_lines(console_rest_, bytes, [this](std::string_view line) { console_line(without_control_sequences(line)); });
}

void GuestObserver::feed_protocol(std::string_view bytes) {
  split_lines(protocol_rest_, bytes, [this](std::string_view line) { protocol_line(line); });
}

void GuestObserver::add_console_line(std::string_view line) {
  if (line.empty()) return;
  // A shutdown that was asked for is no crash.
  if (!fatal_ && !done_) fatal_ = fatal_console_line(line, system_);
  if (is_stall_report(line)) stall_ = line;
  if (console_.size() >= kMaxConsole) return;
  console_.emplace_back(line);
  if (console_step_) outcomes_[*console_step_].console.emplace_back(line);
}

void GuestObserver::console_line(std::string_view line) {
  // The marker may stand behind the beginning of a line that something else has not finished.
  const std::size_t at = line.find("@lab-");
  if (at == std::string_view::npos) return add_console_line(line);
  std::string_view rest = line.substr(at);
  const bool begins = take_prefix(rest, "@lab-begin ");
  if (!begins && !take_prefix(rest, "@lab-end ")) return add_console_line(line);
  const auto index = take_number<std::size_t>(rest);
  if (!index || *index >= outcomes_.size()) return add_console_line(line);
  if (!is_timestamp(line.substr(0, at))) add_console_line(line.substr(0, at));
  if (begins) {
    console_step_ = index;
  } else {
    console_step_.reset();
    console_ended_[*index] = true;
  }
}

void GuestObserver::protocol_line(std::string_view line) {
  if (!line.starts_with('@')) {
    if (block_target_ != nullptr && block_.size() < kMaxStepOutput * 2) block_ += line;
    return;
  }
  if (block_target_ != nullptr) {
    *block_target_ = decode_base64(block_).value_or("[damaged on the serial line]");
    block_target_ = nullptr;
    block_.clear();
  }
  if (take_prefix(line, "@ready ")) {
    ready_ = true;
    kernel_version_ = line;
    return;
  }
  if (line == "@done") {
    done_ = true;
    return;
  }
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos) return;
  const std::string_view word = line.substr(0, space);
  line.remove_prefix(space);
  const auto index = take_number<std::size_t>(line);
  if (!index || *index >= outcomes_.size()) return;
  StepOutcome& outcome = outcomes_[*index];
  if (word == "@begin") {
    running_ = index;
    outcome.state = StepState::kInterrupted;
  } else if (word == "@skip") {
    outcome.state = StepState::kSkipped;
  } else if (word == "@out") {
    block_target_ = &outcome.output;
  } else if (word == "@err") {
    block_target_ = &outcome.errors;
  } else if (word == "@end") {
    const auto status = take_number<int>(line);
    const auto microseconds = take_number<std::int64_t>(line);
    if (!status || !microseconds) return;
    running_.reset();
    outcome.exit_status = *status;
    outcome.duration = std::chrono::microseconds(*microseconds);
    const std::optional<int>& expected = expected_[*index];
    outcome.state = !expected || *expected == *status ? StepState::kDone : StepState::kUnexpected;
  }
}

bool GuestObserver::console_done() const noexcept {
  for (std::size_t i = 0; i < outcomes_.size(); ++i)
    if (outcomes_[i].state != StepState::kSkipped && !console_ended_[i]) return false;
  return true;
}

std::optional<std::size_t> GuestObserver::take_finished() {
  if (next_to_take_ >= outcomes_.size()) return std::nullopt;
  const std::size_t index = next_to_take_;
  const StepState state = outcomes_[index].state;
  const bool ended = state == StepState::kDone || state == StepState::kUnexpected;
  if (state != StepState::kSkipped && !(ended && console_ended_[index])) return std::nullopt;
  ++next_to_take_;
  return index;
}

GuestObserver::Record GuestObserver::finish() && {
  if (!console_rest_.empty()) feed_console("\n");
  if (!protocol_rest_.empty()) feed_protocol("\n");
  return Record{std::move(outcomes_), std::move(console_)};
}

const char* verdict_name(Verdict verdict) noexcept {
  switch (verdict) {
    case Verdict::kPassed: return "passed";
    case Verdict::kFailed: return "failed";
    case Verdict::kCrashed: return "crashed";
    case Verdict::kHung: return "hung";
    case Verdict::kBootFailed: return "boot failed";
    case Verdict::kInterrupted: return "interrupted";
  }
  return "unknown";
}

const char* step_state_name(StepState state) noexcept {
  switch (state) {
    case StepState::kDone: return "done";
    case StepState::kUnexpected: return "unexpected";
    case StepState::kSkipped: return "skipped";
    case StepState::kInterrupted: return "interrupted";
    case StepState::kNotReached: return "not reached";
  }
  return "unknown";
}

}  // namespace hotpatch::lab

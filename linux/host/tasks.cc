// SPDX-License-Identifier: GPL-2.0-or-later
#include "linux/host/tasks.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <optional>
#include <set>
#include <sstream>

namespace hotpatch::kernel::host {
namespace {

constexpr std::size_t kShown = 3;
constexpr std::uint64_t kKernelThreadFlag = 0x00200000;  // Linux 6.1, include/linux/sched.h: PF_KTHREAD
constexpr Milliseconds kStopPoll{5};
constexpr Milliseconds kStopPatience{250};

std::optional<int> number(const std::string& text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value <= 0) return std::nullopt;
  return value;
}

std::string task_path(int process, int thread) {
  return "/proc/" + std::to_string(process) + "/task/" + std::to_string(thread) + "/";
}

// proc(5), /proc/PID/stat: "PID (NAME) STATE PPID PGRP SESSION TTY TPGID FLAGS …"; the name may hold anything, parentheses too.
struct Stat {
  std::string name;
  char state = '?';
  std::uint64_t flags = 0;
  std::uint64_t user_time = 0;  // clock ticks
};

std::optional<Stat> read_stat(Kernel& kernel, int process, int thread) {
  const Result<std::string> text = kernel.read(task_path(process, thread) + "stat");
  if (!text) return std::nullopt;
  const std::size_t open = text->find('(');
  const std::size_t close = text->rfind(')');
  if (open == std::string::npos || close == std::string::npos || close < open) return std::nullopt;
  Stat stat;
  stat.name = text->substr(open + 1, close - open - 1);
  std::istringstream rest(text->substr(close + 1));
  std::int64_t skipped = 0;
  rest >> stat.state;
  for (int i = 0; i < 5; ++i) rest >> skipped;
  rest >> stat.flags;
  if (!rest) return std::nullopt;
  for (int i = 0; i < 4; ++i) rest >> skipped;
  rest >> stat.user_time;
  return stat;
}

bool is_of(const std::string& frame, const std::string& function) {
  if (!frame.starts_with(function)) return false;
  const std::string_view rest = std::string_view(frame).substr(function.size());
  return rest.starts_with('+') || rest.starts_with(".cold+");
}

bool is_in_module(const std::string& frame, const std::string& module) { return frame.ends_with(" [" + module + "]"); }

std::string frame_of(const std::vector<std::string>& stack, const FrameSet& frames) {
  for (const std::string& frame : stack) {
    if (is_in_module(frame, frames.module)) return frame;
    for (const std::string& function : frames.functions)
      if (is_of(frame, function)) return frame;
  }
  return {};
}

template <typename Use>
void for_each_thread(Kernel& kernel, Use use) {
  for (const std::string& process_name : kernel.list("/proc")) {
    const std::optional<int> process = number(process_name);
    if (!process) continue;
    for (const std::string& thread_name : kernel.list("/proc/" + process_name + "/task"))
      if (const std::optional<int> thread = number(thread_name)) use(*process, *thread);
  }
}

// Nothing for a task that has ended meanwhile.
std::optional<Task> look_at(Kernel& kernel, int process, int thread, const FrameSet& frames) {
  const std::optional<Stat> stat = read_stat(kernel, process, thread);
  if (!stat) return std::nullopt;
  Task task{process, thread, stat->name, stat->state, (stat->flags & kKernelThreadFlag) != 0, stat->user_time, {}, {}};
  if (const Result<std::string> stack = kernel.read(task_path(process, thread) + "stack")) task.stack = parse_stack(*stack);
  task.frame = frame_of(task.stack, frames);
  return task;
}

bool may_be_nudged(const Task& task) {
  return !task.is_kernel_thread && task.process != 1 && task.process != ::getpid() && (task.state == 'S' || task.state == 'R');
}

}  // namespace

std::vector<std::string> parse_stack(const std::string& text) {
  std::vector<std::string> frames;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t mark = line.find("] ");
    if (line.starts_with("[<") && mark != std::string::npos) line.erase(0, mark + 2);
    while (!line.empty() && line.back() == ' ') line.pop_back();
    if (!line.empty()) frames.push_back(std::move(line));
  }
  return frames;
}

std::vector<Task> blockers(Kernel& kernel, bool patched, const FrameSet& frames) {
  std::vector<Task> found;
  const std::string wrong_side = patched ? "0" : "1";  // include/linux/livepatch.h: KLP_UNPATCHED, KLP_PATCHED; -1: no transition
  for_each_thread(kernel, [&](int process, int thread) {
    if (read_word(kernel, task_path(process, thread) + "patch_state") != wrong_side) return;
    if (std::optional<Task> task = look_at(kernel, process, thread, frames)) found.push_back(*std::move(task));
  });
  return found;
}

std::vector<Task> Leavers::look() {
  std::vector<Task> inside;
  std::vector<Task> unknown;
  for_each_thread(kernel_, [&](int process, int thread) {
    if (outside_.contains(thread)) return;
    std::optional<Task> task = look_at(kernel_, process, thread, {{}, module_});
    if (!task) return;
    const auto first = user_time_.try_emplace(thread, task->user_time).first;
    const bool has_ended = task->state == 'Z' || task->state == 'X';
    if (!task->frame.empty()) {
      inside.push_back(*std::move(task));
    } else if (!task->stack.empty() || has_ended || task->user_time > first->second) {
      outside_.insert(thread);
    } else {
      unknown.push_back(*std::move(task));
    }
  });
  inside.insert(inside.end(), unknown.begin(), unknown.end());
  return inside;
}

std::string describe(const Task& task) {
  std::string text = task.name + " (" + std::to_string(task.thread) + ")";
  if (task.is_kernel_thread) text += ", a kernel thread,";
  if (task.state == 'D') text += ", in uninterruptible sleep,";
  if (!task.frame.empty()) return text + " in " + task.frame;
  return text + (task.stack.empty() ? " running" : " at " + task.stack.front());
}

std::string describe(const std::vector<Task>& tasks) {
  std::string text;
  for (std::size_t i = 0; i < std::min(tasks.size(), kShown); ++i) text += (i == 0 ? "" : "; ") + describe(tasks[i]);
  if (tasks.size() > kShown) text += "; and " + std::to_string(tasks.size() - kShown) + " more";
  return text;
}

unsigned nudge(Kernel& kernel, Clock& clock, const std::vector<Task>& tasks) {
  std::set<int> done;
  for (const Task& task : tasks) {
    if (!may_be_nudged(task) || done.contains(task.process)) continue;
    // What was stopped since it was looked at must not be continued by us.
    const std::optional<Stat> now = read_stat(kernel, task.process, task.thread);
    if (!now || (now->state != 'S' && now->state != 'R') || now->name != task.name) continue;
    if (kernel.signal(task.process, SIGSTOP) != 0) continue;
    // SIGCONT discards a stop that has not reached all threads yet, and they would not be woken.
    const Milliseconds start = clock.now();
    for (;;) {
      const std::optional<Stat> stat = read_stat(kernel, task.process, task.thread);
      if (!stat || stat->state == 'T' || clock.now() - start >= kStopPatience) break;
      clock.sleep(kStopPoll);
    }
    (void)kernel.signal(task.process, SIGCONT);
    done.insert(task.process);
  }
  return static_cast<unsigned>(done.size());
}

}  // namespace hotpatch::kernel::host

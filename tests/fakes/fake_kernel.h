// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cerrno>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "linux/host/kernel.h"

namespace hotpatch::testing {

/// A kernel that is a set of files, with what happens to them left to the test.
class FakeKernel final : public kernel::host::Kernel {
 public:
  Result<std::string> read(const std::string& path) override {
    const auto found = files.find(path);
    if (found == files.end()) return fail_errno("open " + path, ENOENT);
    return found->second;
  }
  Result<> write(const std::string& path, const std::string& text) override {
    if (!files.contains(path)) return fail_errno("open " + path, ENOENT);
    writes.emplace_back(path, text);
    files[path] = text;
    if (const int os_error = on_write ? on_write(path, text) : 0; os_error != 0) return fail_errno("write " + path, os_error);
    return {};
  }
  std::vector<std::string> list(const std::string& path) override {
    const std::string prefix = path.ends_with('/') ? path : path + "/";
    std::set<std::string> names;
    for (const auto& [file, content] : files)
      if (file.starts_with(prefix)) names.insert(file.substr(prefix.size(), file.find('/', prefix.size()) - prefix.size()));
    return {names.begin(), names.end()};
  }
  bool exists(const std::string& path) override { return files.contains(path) || !list(path).empty(); }
  int insert(const kernel::host::ModuleFile&) override { return on_insert ? on_insert() : 0; }
  int remove(const std::string& name) override {
    removed.push_back(name);
    if (on_remove) {
      if (const int os_error = on_remove(name); os_error != 0) return os_error;
    }
    drop("/sys/module/" + name);
    return 0;
  }
  int signal(int process, int number) override {
    signals.emplace_back(process, number);
    if (on_signal) on_signal(process, number);
    return 0;
  }
  std::vector<std::string> messages() override { return std::exchange(log, {}); }

  /// Removes a directory with all in it.
  void drop(const std::string& directory) {
    std::erase_if(files, [&](const auto& file) { return file.first.starts_with(directory + "/"); });
  }

  std::map<std::string, std::string> files;
  std::vector<std::pair<std::string, std::string>> writes;
  std::vector<std::pair<int, int>> signals;
  std::vector<std::string> removed;
  std::vector<std::string> log;
  std::function<int(const std::string& path, const std::string& text)> on_write;
  std::function<int()> on_insert;
  std::function<int(const std::string& name)> on_remove;
  std::function<void(int process, int number)> on_signal;
};

}  // namespace hotpatch::testing

// SPDX-License-Identifier: GPL-2.0-or-later
#include "linux/host/kernel.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>

#include "common/support/digest.h"

namespace hotpatch::kernel::host {
namespace {

constexpr std::size_t kMaxRead = std::size_t{1} << 20;
/// A live patch of ours has some 100 KB; the largest module of a distribution has 10 MB.
constexpr std::size_t kMaxModule = std::size_t{256} << 20;

// Everything from the current position on.
Result<Bytes> read_all(int file, const std::string& name, std::size_t limit) {
  Bytes content;
  std::array<std::byte, 65536> buffer{};
  while (content.size() < limit) {
    const ssize_t count = ::read(file, buffer.data(), std::min(buffer.size(), limit - content.size()));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("read " + name, errno);
    if (count == 0) break;
    content.insert(content.end(), buffer.begin(), buffer.begin() + count);
  }
  return content;
}

}  // namespace

Result<ModuleFile> open_module_file(const std::filesystem::path& path) {
  ModuleFile module;
  module.path = path;
  module.file = UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!module.file.valid()) return fail_errno("open " + path.string(), errno);
  struct stat info{};
  if (::fstat(module.file.get(), &info) != 0) return fail_errno("look at " + path.string(), errno);
  if (!S_ISREG(info.st_mode)) return fail(Errc::kInvalid, path.string() + " is not a regular file");
  if (static_cast<std::uint64_t>(info.st_size) > kMaxModule)
    return fail(Errc::kMalformed, path.string() + " has " + std::to_string(info.st_size) + " bytes: no live patch");
  HP_ASSIGN(module.content, read_all(module.file.get(), path.string(), kMaxModule));
  module.sha256 = sha256_text(module.content);
  return module;
}

// Reading starts with the next message.
SystemKernel::SystemKernel() : log_(::open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC)) {
  if (log_.valid()) (void)::lseek(log_.get(), 0, SEEK_END);
}

Result<std::string> SystemKernel::read(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return fail_errno("open " + path, errno);
  HP_ASSIGN(const Bytes content, read_all(file.get(), path, kMaxRead));
  return std::string(as_text(content));
}

Result<> SystemKernel::write(const std::string& path, const std::string& text) {
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file.valid()) return fail_errno("open " + path, errno);
  if (::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    return fail_errno("write " + path, errno);
  return {};
}

std::vector<std::string> SystemKernel::list(const std::string& path) {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator at(path, error), end; !error && at != end; at.increment(error))
    names.push_back(at->path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

bool SystemKernel::exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

int SystemKernel::insert(const ModuleFile& module) {
  return ::syscall(SYS_finit_module, module.file.get(), "", 0) == 0 ? 0 : errno;
}

int SystemKernel::remove(const std::string& name) {
  return ::syscall(SYS_delete_module, name.c_str(), O_NONBLOCK) == 0 ? 0 : errno;
}

int SystemKernel::signal(int process, int number) { return ::kill(process, number) == 0 ? 0 : errno; }

// "PRIORITY,SEQUENCE,TIME,FLAGS;text", a record for each read (Linux, Documentation/ABI/testing/dev-kmsg).
std::vector<std::string> SystemKernel::messages() {
  std::vector<std::string> lines;
  std::array<char, 8192> buffer{};
  while (log_.valid()) {
    const ssize_t count = ::read(log_.get(), buffer.data(), buffer.size());
    if (count < 0 && (errno == EPIPE || errno == EINTR)) continue;  // EPIPE: messages were overwritten
    if (count <= 0) break;
    std::string_view record(buffer.data(), static_cast<std::size_t>(count));
    const std::size_t text = record.find(';');
    if (text == std::string_view::npos) continue;
    record.remove_prefix(text + 1);
    lines.emplace_back(record.substr(0, record.find('\n')));
  }
  return lines;
}

std::string read_word(Kernel& kernel, const std::string& path) {
  Result<std::string> text = kernel.read(path);
  if (!text) return {};
  while (!text->empty() && text->back() == '\n') text->pop_back();
  return *std::move(text);
}

}  // namespace hotpatch::kernel::host

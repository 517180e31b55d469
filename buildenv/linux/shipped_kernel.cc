// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/linux/shipped_kernel.h"

#include <algorithm>
#include <cerrno>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include "buildenv/deb_archive.h"
#include "buildenv/tar_stream.h"
#include "common/support/file.h"
#include "common/support/mapped_file.h"
#include "common/support/unique_fd.h"

namespace hotpatch::buildenv {
namespace {

namespace fs = std::filesystem;

/// The largest module's debug file has 150 MB.
constexpr std::uint64_t kMaxModule = std::uint64_t{512} << 20;

class FileWriter {
 public:
  static Result<FileWriter> create(const fs::path& path) {
    UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
    if (!file.valid()) return fail_errno("create " + path.string(), errno);
    return FileWriter(std::move(file), path.string());
  }
  Result<> write(ByteView bytes) const {
    while (!bytes.empty()) {
      const ssize_t count = ::write(file_.get(), bytes.data(), bytes.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return fail_errno("write " + name_, errno);
      bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
    return {};
  }

 private:
  FileWriter(UniqueFd file, std::string name) : file_(std::move(file)), name_(std::move(name)) {}
  UniqueFd file_;
  std::string name_;
};

Result<> add_image(const fs::path& vmlinux, UnitIndexBuilder& units) {
  HP_ASSIGN(const MappedFile file, MappedFile::open(vmlinux));
  auto names = elf::read_unit_names(file.bytes(), vmlinux.string());
  if (!names)
    return tl::unexpected(std::move(names).error().with_remedy("give the vmlinux that still has its debugging information"));
  units.add({std::string(kImageOwner), 0, file.bytes().size(), {}}, *names);
  return {};
}

/// The receiver of a debug package's files.
class DebugPackage {
 public:
  DebugPackage(const KernelRelease& release, fs::path vmlinux, UnitIndexBuilder& units)
      : image_name_("usr/lib/debug/boot/vmlinux-" + release.text),
        module_folder_("usr/lib/debug/lib/modules/" + release.text + "/"),
        vmlinux_(std::move(vmlinux)),
        units_(units) {}

  Result<bool> begin(const TarEntry& entry) {
    if (entry.name == image_name_) {
      HP_ASSIGN(FileWriter writer, FileWriter::create(vmlinux_));
      image_.emplace(std::move(writer));
      has_image_ = true;
      return true;
    }
    if (!entry.name.starts_with(module_folder_) || !entry.name.ends_with(".ko")) return false;
    if (entry.size > kMaxModule)
      return fail(Errc::kUnsupported, entry.name + ": a module of " + std::to_string(entry.size) + " bytes");
    module_ = UnitOwner{entry.name.substr(module_folder_.size()), entry.offset, entry.size, {}};
    content_.clear();
    content_.reserve(entry.size);
    return true;
  }
  Result<> data(ByteView bytes) {
    if (image_) return image_->write(bytes);
    content_.insert(content_.end(), bytes.begin(), bytes.end());
    return {};
  }
  Result<> end() {
    if (image_) {
      image_.reset();
      return add_image(vmlinux_, units_);
    }
    HP_ASSIGN(const elf::UnitNames names, elf::read_unit_names(content_, module_.name));
    units_.add(module_, names);
    return {};
  }
  [[nodiscard]] bool has_image() const { return has_image_; }

 private:
  std::string image_name_;
  std::string module_folder_;
  fs::path vmlinux_;
  UnitIndexBuilder& units_;
  std::optional<FileWriter> image_;  // while vmlinux comes by
  bool has_image_ = false;
  UnitOwner module_;
  Bytes content_;
};

}  // namespace

Result<> take_debug_package(const fs::path& package, const KernelRelease& release, const fs::path& vmlinux, unsigned threads,
                            UnitIndexBuilder& units) {
  HP_ASSIGN(const DebArchive archive, DebArchive::open(package));
  DebugPackage files(release, vmlinux, units);
  TarStream tar({[&](const TarEntry& entry) { return files.begin(entry); }, [&](ByteView bytes) { return files.data(bytes); },
                 [&] { return files.end(); }});
  HP_TRY(archive.stream(threads, [&](ByteView bytes) { return tar.feed(bytes); }));
  HP_TRY(tar.finish());
  if (!files.has_image()) return fail(Errc::kNotFound, package.filename().string() + " has no vmlinux of " + release.text);
  return {};
}

Result<> take_own_files(const fs::path& vmlinux, const fs::path& modules, UnitIndexBuilder& units) {
  HP_TRY(add_image(vmlinux, units));
  if (modules.empty()) return {};
  std::vector<fs::path> files;
  std::error_code failure;
  for (fs::recursive_directory_iterator at(modules, failure), end; !failure && at != end; at.increment(failure))
    if (at->path().extension() == ".ko") files.push_back(at->path());
  if (failure) return fail_errno("list " + modules.string(), failure.value());
  std::ranges::sort(files);
  for (const fs::path& path : files) {
    HP_ASSIGN(const MappedFile file, MappedFile::open(path));
    HP_ASSIGN(const elf::UnitNames names, elf::read_unit_names(file.bytes(), path.string()));
    units.add({path.lexically_relative(modules).string(), 0, file.bytes().size(), {}}, names);
  }
  return {};
}

Result<> take_file(const fs::path& package, const std::string& suffix, const fs::path& to) {
  HP_ASSIGN(const DebArchive archive, DebArchive::open(package));
  Bytes content;
  bool found = false;
  bool complete = false;
  // The one way to end the reading early is an error, which is then not shown.
  const auto enough = [] { return fail(Errc::kNothingToDo, "enough"); };
  TarStream tar({[&](const TarEntry& entry) -> Result<bool> {
                   found = found || entry.name.ends_with(suffix);
                   return entry.name.ends_with(suffix);
                 },
                 [&](ByteView bytes) -> Result<> {
                   content.insert(content.end(), bytes.begin(), bytes.end());
                   return {};
                 },
                 [&]() -> Result<> {
                   complete = true;
                   return enough();
                 }});
  const auto read = archive.stream(1, [&](ByteView bytes) { return tar.feed(bytes); });
  if (complete) return write_file(to, ByteView(content));
  HP_TRY(read);
  return fail(Errc::kNotFound, package.filename().string() + " has no file " + suffix);
}

}  // namespace hotpatch::buildenv

// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/lab/cpio.h"

#include <array>
#include <cstdio>
#include <limits>
#include <string_view>
#include <utility>

#include <sys/stat.h>

namespace hotpatch::lab {
namespace {

void write_entry(ByteWriter& writer, std::uint32_t inode, std::uint32_t mode, std::string_view name, ByteView content) {
  // Thirteen fields of eight hexadecimal digits behind the magic: ino mode uid gid nlink mtime filesize, device numbers of the file
  // and of the node (major, minor), length of the name with its NUL, checksum (0 in this variant).
  const std::array<std::uint32_t, 13> fields = {inode,
                                                mode,
                                                0,
                                                0,
                                                S_ISDIR(mode) ? 2U : 1U,
                                                0,
                                                static_cast<std::uint32_t>(content.size()),
                                                0,
                                                0,
                                                0,
                                                0,
                                                static_cast<std::uint32_t>(name.size() + 1),
                                                0};
  writer.write_bytes(as_byte_view("070701"));
  for (const std::uint32_t field : fields) {
    std::array<char, 9> digits{};
    (void)std::snprintf(digits.data(), digits.size(), "%08X", field);
    writer.write_bytes(as_byte_view(std::string_view(digits.data(), 8)));
  }
  writer.write_bytes(as_byte_view(name));
  writer.write<std::uint8_t>(0);
  writer.pad_to(4);
  writer.write_bytes(content);
  writer.pad_to(4);
}

}  // namespace

Result<std::string> CpioArchive::admit(const std::string& path) {
  if (path.size() < 2 || path.front() != '/')
    return fail(Errc::kInvalid, "guest path '" + path + "' is not an absolute file name");
  if (path.size() > 1000) return fail(Errc::kInvalid, "guest path of " + std::to_string(path.size()) + " bytes is too long");
  std::size_t begin = 1;
  while (true) {
    const std::size_t end = path.find('/', begin);
    const std::string component = path.substr(begin, end == std::string::npos ? end : end - begin);
    if (component.empty() || component == "." || component == "..")
      return fail(Errc::kInvalid, "guest path '" + path + "' has the component '" + component + "'");
    if (end == std::string::npos) break;
    const std::string parent = path.substr(1, end - 1);
    const auto [at, inserted] = entries_.try_emplace(parent, Entry{S_IFDIR | 0755, {}});
    if (!inserted && !S_ISDIR(at->second.mode))
      return fail(Errc::kInvalid, "guest path '" + path + "' runs through '/" + parent + "', which is not a directory");
    begin = end + 1;
  }
  return path.substr(1);
}

Result<> CpioArchive::add_file(const std::string& path, Bytes content, unsigned mode) {
  if (content.size() > std::numeric_limits<std::uint32_t>::max())
    return fail(Errc::kInvalid, "guest file '" + path + "' has " + std::to_string(content.size()) + " bytes, too many for cpio");
  HP_ASSIGN(const std::string name, admit(path));
  entries_.insert_or_assign(name, Entry{S_IFREG | (mode & 0777U), std::move(content)});
  return {};
}

Result<> CpioArchive::add_symlink(const std::string& path, const std::string& target) {
  HP_ASSIGN(const std::string name, admit(path));
  const ByteView bytes = as_byte_view(target);
  entries_.insert_or_assign(name, Entry{S_IFLNK | 0777, Bytes(bytes.begin(), bytes.end())});
  return {};
}

Result<> CpioArchive::add_directory(const std::string& path) {
  HP_ASSIGN(const std::string name, admit(path));
  entries_.try_emplace(name, Entry{S_IFDIR | 0755, {}});
  return {};
}

Bytes CpioArchive::write() const {
  ByteWriter writer;
  std::uint32_t inode = 1;
  // A directory's name is a prefix of its members' names, and therefore sorts before them.
  for (const auto& [name, entry] : entries_) write_entry(writer, inode++, entry.mode, name, entry.content);
  write_entry(writer, 0, 0, "TRAILER!!!", {});
  writer.pad_to(512);
  return std::move(writer).take();
}

}  // namespace hotpatch::lab

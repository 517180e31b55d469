// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/lab/fat.h"

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace hotpatch::lab {
namespace {

constexpr std::size_t kSector = 512;
constexpr std::size_t kEntrySize = 32;
constexpr std::size_t kRootEntries = 512;
constexpr std::size_t kMaxEntries = 65536;  // of another directory
constexpr std::size_t kFirstCluster = 2;
constexpr std::size_t kLeastClusters = 4085;  // fewer of them would make it FAT12
constexpr std::size_t kMostClusters = 65524;  // more of them FAT32
constexpr std::size_t kLeastClusterSize = 4096;
constexpr std::size_t kMostClusterSize = 32768;
constexpr std::uint16_t kEndOfChain = 0xFFFF;
constexpr std::uint16_t kFirstDay = 1 << 5 | 1;  // January 1st, 1980
constexpr std::uint8_t kDirectory = 0x10;
constexpr std::uint8_t kMedia = 0xF8;  // a fixed disk

struct Node {
  const Bytes* content = nullptr;  // of a file
  std::map<std::string, std::unique_ptr<Node>> members;
  std::size_t first_cluster = 0;
  std::size_t clusters = 0;
};

bool is_plain(std::string_view text, std::size_t most) noexcept {
  return !text.empty() && text.size() <= most &&
         std::ranges::all_of(text, [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); });
}

bool is_short_name(std::string_view name) noexcept {
  const std::size_t dot = name.find('.');
  return is_plain(name.substr(0, dot), 8) && (dot == std::string_view::npos || is_plain(name.substr(dot + 1), 3));
}

std::vector<std::string> components(const std::string& path) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    parts.push_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

/// A directory's entry for a file, another directory, "." or "..".
void write_entry(ByteWriter& writer, std::string_view name, std::uint8_t attributes, std::size_t first_cluster,
                 std::size_t size) {
  const std::size_t dot = name.front() == '.' ? std::string_view::npos : name.find('.');
  std::string field(name.substr(0, dot));
  field.resize(8, ' ');
  if (dot != std::string_view::npos) field += name.substr(dot + 1);
  field.resize(11, ' ');
  writer.write_bytes(as_byte_view(field));
  writer.write(attributes);
  for (int i = 0; i < 2; ++i) writer.write<std::uint8_t>(0);
  writer.write<std::uint16_t>(0);  // time of creation, and the days of creation, access; the cluster's high half; time of writing
  writer.write(kFirstDay);
  writer.write(kFirstDay);
  writer.write<std::uint16_t>(0);
  writer.write<std::uint16_t>(0);
  writer.write(kFirstDay);
  writer.write(static_cast<std::uint16_t>(first_cluster));
  writer.write(static_cast<std::uint32_t>(size));
}

class FatWriter {
 public:
  explicit FatWriter(std::size_t cluster_size) : cluster_size_(cluster_size) {}

  /// Gives every file and directory its clusters, a directory's before those of its members. The product is how many there are.
  std::size_t lay_out(Node& root) {
    place_members(root);
    return next_ - kFirstCluster;
  }

  Bytes write(const Node& root) {
    const std::size_t clusters = std::max(next_ - kFirstCluster, kLeastClusters);
    const std::size_t table_sectors = (2 * (clusters + kFirstCluster) + kSector - 1) / kSector;
    const std::size_t root_at = (1 + table_sectors) * kSector;
    data_at_ = root_at + kRootEntries * kEntrySize;
    disk_.resize(data_at_ + clusters * cluster_size_);
    write_boot_sector(table_sectors);
    store_le<std::uint16_t>(disk_, kSector, 0xFF00 | kMedia);
    store_le<std::uint16_t>(disk_, kSector + 2, kEndOfChain);
    copy(entries_of(root, nullptr), root_at);
    write_members(root);
    return std::move(disk_);
  }

 private:
  void place(Node& node, std::size_t size) {
    node.clusters = (size + cluster_size_ - 1) / cluster_size_;
    node.first_cluster = node.clusters == 0 ? 0 : next_;
    next_ += node.clusters;
  }
  void place_members(Node& directory) {
    for (auto& [name, member] : directory.members) {
      place(*member, member->content != nullptr ? member->content->size() : (member->members.size() + 2) * kEntrySize);
      if (member->content == nullptr) place_members(*member);
    }
  }

  void write_boot_sector(std::size_t table_sectors) {
    ByteWriter writer;
    writer.write_bytes(as_byte_view(std::string_view("\xEB\x3C\x90", 3)));  // a jump, by which the sector is known
    writer.write_bytes(as_byte_view("HOTPATCH"));
    writer.write(static_cast<std::uint16_t>(kSector));
    writer.write(static_cast<std::uint8_t>(cluster_size_ / kSector));
    writer.write<std::uint16_t>(1);  // sectors before the table
    writer.write<std::uint8_t>(1);   // tables
    writer.write(static_cast<std::uint16_t>(kRootEntries));
    writer.write<std::uint16_t>(0);  // sectors, where 16 bits hold their number
    writer.write(kMedia);
    writer.write(static_cast<std::uint16_t>(table_sectors));
    writer.write<std::uint16_t>(63);   // sectors in a track
    writer.write<std::uint16_t>(255);  // heads
    writer.write<std::uint32_t>(0);    // sectors before the file system
    writer.write(static_cast<std::uint32_t>(disk_.size() / kSector));
    writer.write<std::uint8_t>(0x80);  // the drive's number
    writer.write<std::uint8_t>(0);
    writer.write<std::uint8_t>(0x29);  // three more fields follow
    writer.write<std::uint32_t>(0);
    writer.write_bytes(as_byte_view("NO NAME    FAT16   "));
    copy(std::move(writer).take(), 0);
    store_le<std::uint16_t>(disk_, kSector - 2, 0xAA55);
  }

  [[nodiscard]] static Bytes entries_of(const Node& directory, const Node* parent) {
    ByteWriter writer;
    if (parent != nullptr) {
      write_entry(writer, ".", kDirectory, directory.first_cluster, 0);
      write_entry(writer, "..", kDirectory, parent->first_cluster, 0);
    }
    for (const auto& [name, member] : directory.members) {
      const bool is_file = member->content != nullptr;
      write_entry(writer, name, is_file ? 0 : kDirectory, member->first_cluster, is_file ? member->content->size() : 0);
    }
    return std::move(writer).take();
  }

  void write_members(const Node& directory) {
    for (const auto& [name, member] : directory.members) {
      for (std::size_t i = 0; i < member->clusters; ++i) {
        const std::size_t cluster = member->first_cluster + i;
        const std::size_t next = i + 1 == member->clusters ? kEndOfChain : cluster + 1;
        store_le(disk_, kSector + 2 * cluster, static_cast<std::uint16_t>(next));
      }
      const std::size_t at = data_at_ + (member->first_cluster - kFirstCluster) * cluster_size_;
      if (member->content == nullptr) {
        copy(entries_of(*member, &directory), at);
        write_members(*member);
      } else if (member->clusters != 0) {
        copy(*member->content, at);
      }
    }
  }
  void copy(const Bytes& from, std::size_t at) { std::ranges::copy(from, disk_.begin() + static_cast<std::ptrdiff_t>(at)); }

  std::size_t cluster_size_;
  std::size_t next_ = kFirstCluster;
  std::size_t data_at_ = 0;
  Bytes disk_;
};

}  // namespace

Result<> FatImage::add_file(const std::string& path, Bytes content) {
  for (const std::string& part : components(path)) {
    if (!is_short_name(part)) return fail(Errc::kInvalid, "'" + path + "' has the component '" + part + "'");
  }
  for (const auto& [other, unused] : files_) {
    if (other.starts_with(path + "/") || path.starts_with(other + "/"))
      return fail(Errc::kInvalid, "of '" + path + "' and '" + other + "', one would be a file and a directory");
  }
  files_.insert_or_assign(path, std::move(content));
  return {};
}

Result<Bytes> FatImage::write() const {
  Node root;
  for (const auto& [path, content] : files_) {
    Node* node = &root;
    for (const std::string& part : components(path)) {
      std::unique_ptr<Node>& member = node->members[part];
      if (!member) member = std::make_unique<Node>();
      node = member.get();
      if (node->members.size() > kMaxEntries - 2) return fail(Errc::kInvalid, "too many files in a directory, with " + path);
    }
    node->content = &content;
  }
  if (root.members.size() > kRootEntries) return fail(Errc::kInvalid, "more files than a disk's first directory holds");
  for (std::size_t size = kLeastClusterSize; size <= kMostClusterSize; size *= 2) {
    FatWriter writer(size);
    if (writer.lay_out(root) <= kMostClusters) return writer.write(root);
  }
  return fail(Errc::kInvalid, "the files are too large for a disk of 2 GiB");
}

}  // namespace hotpatch::lab

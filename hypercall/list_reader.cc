// SPDX-License-Identifier: GPL-2.0-or-later
#include "hypercall/list_reader.h"

#include <cerrno>
#include <optional>

namespace hotpatch::hypercall {
namespace {

constexpr unsigned kTries = 8;
/// Payloads that may appear between the two calls without harm, and the metadata that one of them may bring.
constexpr std::uint32_t kSpareEntries = 16;
constexpr std::uint32_t kSpareMetadata = 4096;
/// Xen gives no more entries than this in one call.
constexpr std::uint32_t kMaxEntries = 1024;

ListSizes with_spare_room(const ListSizes& sizes) {
  ListSizes room = sizes;
  room.count += kSpareEntries;
  room.names += kSpareEntries * static_cast<std::uint32_t>(kMaxNameSize);
  room.metadata += kSpareEntries * kSpareMetadata;
  return room;
}

/// Nothing if the raw list contradicts itself, as one does that was put together from two versions.
std::optional<std::vector<Listed>> unpack(const RawList& raw, const ListSizes& sizes) {
  if (raw.left != 0 || raw.statuses.size() != sizes.count || raw.name_sizes.size() != sizes.count ||
      raw.metadata_sizes.size() != sizes.count)
    return std::nullopt;
  std::vector<Listed> listed;
  std::size_t name_at = 0;
  std::size_t metadata_at = 0;
  for (std::size_t number = 0; number < sizes.count; ++number) {
    const std::size_t name_size = raw.name_sizes[number];
    const std::size_t metadata_size = raw.metadata_sizes[number];
    if (name_size == 0 || name_size > kMaxNameSize || name_size > raw.names.size() - name_at) return std::nullopt;
    if (metadata_size > raw.metadata.size() - metadata_at) return std::nullopt;
    Listed entry;
    entry.name = raw.names.substr(name_at, name_size - 1);
    if (entry.name.empty() || entry.name.find('\0') != std::string::npos || raw.names[name_at + name_size - 1] != '\0')
      return std::nullopt;
    entry.status = raw.statuses[number];
    const ByteView metadata = ByteView(raw.metadata).subspan(metadata_at, metadata_size);
    entry.metadata.assign(metadata.begin(), metadata.end());
    listed.push_back(std::move(entry));
    name_at += name_size;
    metadata_at += metadata_size;
  }
  if (name_at != sizes.names || metadata_at != sizes.metadata) return std::nullopt;
  return listed;
}

/// States change without a new version of the list, and may.
bool same_payloads(const std::vector<Listed>& left, const std::vector<Listed>& right) {
  if (left.size() != right.size()) return false;
  for (std::size_t number = 0; number < left.size(); ++number) {
    if (left[number].name != right[number].name || left[number].metadata != right[number].metadata) return false;
  }
  return true;
}

}  // namespace

Result<std::vector<Listed>> read_stable_list(ListSource& source) {
  std::optional<std::vector<Listed>> previous;
  for (unsigned attempt = 0; attempt < kTries; ++attempt) {
    HP_ASSIGN(const ListSizes sizes, source.list_sizes());
    if (sizes.count == 0) return std::vector<Listed>();
    if (sizes.count > kMaxEntries - kSpareEntries)
      return fail(Errc::kUnsupported, "Xen has " + std::to_string(sizes.count) + " payloads, too many to list at once");
    Result<RawList> raw = source.read_list(with_spare_room(sizes));
    if (!raw) {
      // ENOBUFS, EBUSY, EINVAL: what a list that changes under the reader gives, by release.
      const int os_error = raw.error().os_error();
      if ((os_error == ENOBUFS || os_error == EBUSY || os_error == EINVAL) && attempt + 1 < kTries) continue;
      return tl::unexpected(std::move(raw).error());
    }
    std::optional<std::vector<Listed>> current = unpack(*raw, sizes);
    if (current && previous && same_payloads(*previous, *current)) return *std::move(current);
    previous = std::move(current);
  }
  return tl::unexpected(hypercall_error("list the payloads: they change faster than they can be read", EBUSY));
}

}  // namespace hotpatch::hypercall

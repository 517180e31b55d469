// SPDX-License-Identifier: GPL-2.0-or-later
//
// LIST is two calls, one for the sizes and one for the content, and payloads may come and go in between. Xen up to 4.20 writes names and
// metadata without knowing how much room there is; from 4.21 on it is told, and refuses (ENOBUFS). So: ask with much more room than
// needed, and believe a list only if nothing moved while it was read.
//
// Sources: Xen 4.17 tools/libs/ctrl/xc_misc.c (xc_livepatch_list), common/livepatch.c (livepatch_list).
#pragma once

#include "hypercall/channel.h"

namespace hotpatch::hypercall {

struct ListSizes {
  std::uint32_t count = 0;
  std::uint32_t names = 0;     // bytes, NULs included
  std::uint32_t metadata = 0;  // bytes
  friend bool operator==(const ListSizes&, const ListSizes&) = default;
};

/// What one LIST gave: entry i's name and metadata follow those of entry i-1 without a gap.
struct RawList {
  std::vector<Status> statuses;
  std::vector<std::uint32_t> name_sizes;      // bytes, NUL included
  std::vector<std::uint32_t> metadata_sizes;  // bytes
  std::string names;
  Bytes metadata;
  std::uint32_t left = 0;  // entries that did not come
};

class ListSource {
 public:
  ListSource() = default;
  ListSource(const ListSource&) = delete;
  ListSource& operator=(const ListSource&) = delete;
  ListSource(ListSource&&) = delete;
  ListSource& operator=(ListSource&&) = delete;
  [[nodiscard]] virtual Result<ListSizes> list_sizes() = 0;
  [[nodiscard]] virtual Result<RawList> read_list(const ListSizes& room) = 0;

 protected:
  ~ListSource() = default;
};

/// The list, read twice with the same outcome between equal sizes. kBusy if it did not stand still in a number of tries.
Result<std::vector<Listed>> read_stable_list(ListSource& source);

}  // namespace hotpatch::hypercall

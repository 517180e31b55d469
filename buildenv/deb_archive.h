// SPDX-License-Identifier: GPL-2.0-or-later
//
// The files inside of a Debian binary package (deb(5): an ar archive of control.tar and data.tar), without unpacking it. A package of
// debugging information is gigabytes when unpacked, of which a patch needs a file or two.
//
// dpkg-deb compresses with several threads, which makes xz begin a new block every 24 MiB: the blocks can be decompressed at the same
// time when everything is wanted, and singly when one file is. Which block holds what is in the index at the end of the xz stream; where
// in data.tar a file lies, the reader of the whole has to have remembered.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>

#include "common/support/bytes.h"
#include "common/support/result.h"

namespace hotpatch::buildenv {

class DebArchive {
 public:
  /// kMalformed if it is no package; kUnsupported if its data.tar is not compressed by xz.
  static Result<DebArchive> open(const std::filesystem::path& path);
  DebArchive(DebArchive&&) noexcept;
  DebArchive& operator=(DebArchive&&) noexcept;
  ~DebArchive();

  /// All of data.tar in order, in pieces that are the receiver's only during the call. `threads` decompress (0: one per CPU). Every
  /// block's checksum is verified before the end is reached; an error of the receiver ends the reading.
  Result<> stream(unsigned threads, const std::function<Result<>(ByteView)>& receiver) const;

  /// `size` bytes at `offset` of data.tar; decompresses the blocks that hold them. May be called by several threads.
  Result<Bytes> read(std::uint64_t offset, std::uint64_t size) const;

 private:
  struct Parts;
  explicit DebArchive(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace hotpatch::buildenv

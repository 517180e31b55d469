// SPDX-License-Identifier: GPL-2.0-or-later
//
// A tar archive as it comes by, in pieces of any size: the formats that dpkg-deb writes (POSIX ustar with GNU's long names; pax headers
// are understood too). Nothing is written anywhere: the receiver decides what to do with which file.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "common/support/bytes.h"
#include "common/support/result.h"

namespace hotpatch::buildenv {

struct TarEntry {
  std::string name;          // without a leading "./"
  char type = '0';           // '0' file, '5' directory, '2' symbolic link, '1' hard link, …
  std::uint64_t size = 0;    // bytes of content
  std::uint64_t offset = 0;  // of the content, in the archive
};

class TarStream {
 public:
  /// What is done with the content of files: `begin` says whether it is wanted, `data` gets it piece by piece, `end` follows the last
  /// one. An error of any of them ends the reading.
  struct Receiver {
    std::function<Result<bool>(const TarEntry&)> begin;
    std::function<Result<>(ByteView)> data;
    std::function<Result<>()> end;
  };

  explicit TarStream(Receiver receiver) : receiver_(std::move(receiver)) {}

  /// The next bytes of the archive. kMalformed with the offset of a header that is none.
  Result<> feed(ByteView bytes);
  /// kMalformed if the archive ended in the middle of an entry.
  Result<> finish() const;

 private:
  enum class State : std::uint8_t { kHeader, kContent, kPadding };

  Result<> take_header();
  Result<> take_content(ByteView& bytes);
  Result<> end_content();
  void take_pax(std::string_view records);

  Receiver receiver_;
  State state_ = State::kHeader;
  Bytes block_;                // of a header, as far as it has come
  Bytes meta_;                 // content of an entry that describes the next one
  std::uint64_t offset_ = 0;   // of the next byte, in the archive
  std::uint64_t left_ = 0;     // bytes of content, or of padding
  std::uint64_t padding_ = 0;  // behind the content
  TarEntry entry_;
  bool wanted_ = false;
  std::string next_name_;  // given by a preceding entry
};

}  // namespace hotpatch::buildenv

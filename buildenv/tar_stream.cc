// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/tar_stream.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace hotpatch::buildenv {
namespace {

constexpr std::size_t kBlock = 512;
constexpr std::uint64_t kMaxMeta = std::uint64_t{1} << 20;  // no name comes near this

std::string_view field(ByteView header, std::size_t offset, std::size_t size) {
  const std::string_view text = as_text(header.subspan(offset, size));
  return text.substr(0, text.find('\0'));
}

/// Octal digits, or GNU's base-256 for what does not fit them.
std::optional<std::uint64_t> number(ByteView header, std::size_t offset, std::size_t size) {
  const ByteView bytes = header.subspan(offset, size);
  if ((std::to_integer<unsigned>(bytes[0]) & 0x80U) != 0) {
    std::uint64_t value = std::to_integer<std::uint64_t>(bytes[0]) & 0x7fU;
    for (const std::byte byte : bytes.subspan(1)) value = (value << 8U) | std::to_integer<std::uint64_t>(byte);
    return value;
  }
  std::string_view text = field(header, offset, size);
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  std::uint64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value, 8);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

bool has_good_checksum(ByteView header) {
  constexpr std::size_t kChecksum = 148;
  const auto stated = number(header, kChecksum, 8);
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < kBlock; ++i)
    sum += i >= kChecksum && i < kChecksum + 8 ? std::uint64_t{' '} : std::to_integer<std::uint64_t>(header[i]);
  return stated == sum;
}

bool describes_next(char type) { return type == 'L' || type == 'x'; }

std::string_view without_dot(std::string_view name) { return name.starts_with("./") ? name.substr(2) : name; }

}  // namespace

Result<> TarStream::feed(ByteView bytes) {
  while (!bytes.empty()) {
    if (state_ == State::kContent) {
      HP_TRY(take_content(bytes));
      continue;
    }
    if (state_ == State::kPadding) {
      const std::size_t count = std::min<std::uint64_t>(left_, bytes.size());
      bytes = bytes.subspan(count);
      offset_ += count;
      left_ -= count;
      if (left_ == 0) state_ = State::kHeader;
      continue;
    }
    const std::size_t count = std::min(kBlock - block_.size(), bytes.size());
    block_.insert(block_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count));
    bytes = bytes.subspan(count);
    offset_ += count;
    if (block_.size() == kBlock) HP_TRY(take_header());
  }
  return {};
}

Result<> TarStream::take_header() {
  const Bytes header = std::exchange(block_, {});
  if (std::ranges::all_of(header, [](std::byte byte) { return byte == std::byte{0}; })) return {};  // the archive's end
  const auto size = number(header, 124, 12);
  if (!has_good_checksum(header) || !size)
    return fail(Errc::kMalformed, "no tar header at offset " + std::to_string(offset_ - kBlock));
  entry_.type = static_cast<char>(header[156]);
  if (entry_.type == '\0') entry_.type = '0';
  entry_.size = *size;
  entry_.offset = offset_;
  std::string name;
  const std::string_view prefix = field(header, 345, 155);
  if (field(header, 257, 5) == "ustar" && header[262] == std::byte{0} && !prefix.empty()) name.append(prefix).append("/");
  name.append(field(header, 0, 100));
  if (!describes_next(entry_.type)) {
    entry_.name = without_dot(next_name_.empty() ? name : next_name_);
    next_name_.clear();
  } else if (entry_.size > kMaxMeta) {
    return fail(Errc::kMalformed,
                "a name of " + std::to_string(entry_.size) + " bytes at offset " + std::to_string(entry_.offset));
  }
  padding_ = (kBlock - entry_.size % kBlock) % kBlock;
  left_ = entry_.size;
  wanted_ = false;
  if (entry_.type == '0') {
    HP_ASSIGN(wanted_, receiver_.begin(entry_));
  }
  if (left_ == 0) return end_content();
  state_ = State::kContent;
  return {};
}

Result<> TarStream::take_content(ByteView& bytes) {
  const std::size_t count = std::min<std::uint64_t>(left_, bytes.size());
  const ByteView part = bytes.first(count);
  if (describes_next(entry_.type)) meta_.insert(meta_.end(), part.begin(), part.end());
  if (wanted_) HP_TRY(receiver_.data(part));
  bytes = bytes.subspan(count);
  offset_ += count;
  left_ -= count;
  return left_ == 0 ? end_content() : Result<>();
}

Result<> TarStream::end_content() {
  if (entry_.type == 'L') {
    const std::string_view text = as_text(meta_);
    next_name_ = text.substr(0, text.find('\0'));
  } else if (entry_.type == 'x') {
    take_pax(as_text(meta_));
  }
  meta_.clear();
  if (wanted_) HP_TRY(receiver_.end());
  left_ = padding_;
  state_ = left_ == 0 ? State::kHeader : State::kPadding;
  return {};
}

/// "LENGTH key=value\n" (POSIX.1-2017, pax).
void TarStream::take_pax(std::string_view records) {
  while (!records.empty()) {
    std::size_t length = 0;
    const auto parsed = std::from_chars(records.data(), records.data() + records.size(), length);
    if (parsed.ec != std::errc() || length == 0 || length > records.size()) return;
    std::string_view record = records.substr(0, length);
    records.remove_prefix(length);
    const std::size_t blank = record.find(' ');
    if (blank == std::string_view::npos) return;
    record.remove_prefix(blank + 1);
    if (record.ends_with('\n')) record.remove_suffix(1);
    if (record.starts_with("path=")) next_name_ = record.substr(5);
  }
}

Result<> TarStream::finish() const {
  if (state_ == State::kHeader && block_.empty()) return {};
  return fail(Errc::kMalformed, "the archive ends in the middle of " + (entry_.name.empty() ? "a header" : entry_.name));
}

}  // namespace hotpatch::buildenv

// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/trust/appended.h"

namespace hotpatch::trust {
namespace {

constexpr std::string_view kMark = "~Module signature appended~\n";
constexpr std::uint8_t kPkcs7 = 2;       // PKEY_ID_PKCS7
constexpr std::size_t kRecordSize = 12;  // struct module_signature
constexpr std::size_t kKindOffset = 2;   // of its id_type; the other bytes before the size are zero
constexpr std::size_t kSizeOffset = 8;

std::uint32_t swap(std::uint32_t value) {
  return (value >> 24) | ((value >> 8) & 0xff00U) | ((value << 8) & 0xff0000U) | (value << 24);
}

}  // namespace

Bytes append_signature(ByteView content, ByteView signature) {
  ByteWriter out;
  out.write_bytes(content);
  out.write_bytes(signature);
  out.write_bytes(Bytes(kKindOffset));
  out.write<std::uint8_t>(kPkcs7);
  out.write_bytes(Bytes(kSizeOffset - kKindOffset - 1));
  out.write<std::uint32_t>(swap(static_cast<std::uint32_t>(signature.size())));
  out.write_bytes(as_byte_view(kMark));
  return std::move(out).take();
}

Result<Split> split_signature(ByteView file) {
  if (!as_text(file).ends_with(kMark)) return Split{file, {}};
  const ByteView rest = file.first(file.size() - kMark.size());
  if (rest.size() < kRecordSize) return fail(Errc::kMalformed, "a signature is said to be appended, and there is none");
  const ByteView record = rest.last(kRecordSize);
  const std::size_t size = swap(load_le<std::uint32_t>(record, kSizeOffset));
  const ByteView before = rest.first(rest.size() - kRecordSize);
  if (record[kKindOffset] != std::byte{kPkcs7})
    return fail(Errc::kMalformed, "the appended signature is of a kind other than PKCS#7 (CMS)");
  if (size == 0 || size > before.size())
    return fail(Errc::kMalformed, "the appended signature is said to have " + std::to_string(size) + " bytes, and the file has " +
                                      std::to_string(before.size()) + " before its mark");
  return Split{before.first(before.size() - size), before.last(size)};
}

}  // namespace hotpatch::trust

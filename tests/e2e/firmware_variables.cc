// SPDX-License-Identifier: GPL-2.0-or-later
//
// The store: EDK II, MdeModulePkg/Include/Guid/VariableFormat.h. A variable's content: UEFI 2.10 §32.4.1.
#include "tests/e2e/firmware_variables.h"

#include <algorithm>
#include <array>

#include <doctest/doctest.h>

#include "buildenv/lab/firmware.h"
#include "common/support/file.h"

namespace hotpatch::e2e {
namespace {

using Guid = std::array<std::uint8_t, 16>;

// As they lie in memory: the first three numbers little-endian.
constexpr Guid kAuthenticatedStore = {0x78, 0x2c, 0xf3, 0xaa, 0x7b, 0x94, 0x9a, 0x43,
                                      0xa1, 0x80, 0x2e, 0x14, 0x4e, 0xc3, 0x77, 0x92};
constexpr Guid kGlobalVariable = {0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11, 0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c};
constexpr Guid kSecurityDatabase = {0xcb, 0xb2, 0x19, 0xd7, 0x3a, 0x3d, 0x96, 0x45,
                                    0xa3, 0xbc, 0xda, 0xd0, 0x0e, 0x67, 0x65, 0x6f};
constexpr Guid kX509 = {0xa1, 0x59, 0xc0, 0xa5, 0xe4, 0x94, 0xa7, 0x4a, 0x87, 0xb5, 0xab, 0x15, 0x5c, 0x2b, 0xf0, 0x72};
constexpr std::size_t kStoreHeaderSize = 28;
constexpr std::size_t kTimestampSize = 16;
constexpr std::uint16_t kStartOfVariable = 0x55aa;
constexpr std::uint8_t kAdded = 0x3f;
constexpr std::uint32_t kAttributes = 0x27;  // non-volatile, at boot and at run time, authenticated by time

class Writer {
 public:
  template <typename Number>
  void number(Number value) {
    for (std::size_t i = 0; i < sizeof value; ++i) bytes_.push_back(static_cast<std::byte>(value >> 8 * i & 0xffU));
  }
  void guid(const Guid& guid) {
    for (const std::uint8_t byte : guid) bytes_.push_back(std::byte{byte});
  }
  void bytes(ByteView content) { bytes_.insert(bytes_.end(), content.begin(), content.end()); }
  void zero(std::size_t size) { bytes_.insert(bytes_.end(), size, std::byte{0}); }
  [[nodiscard]] const Bytes& written() const { return bytes_; }

 private:
  Bytes bytes_;
};

Bytes signature_list(ByteView certificate) {
  constexpr std::uint32_t kListHeader = 28;
  const auto signature_size = static_cast<std::uint32_t>(sizeof(Guid) + certificate.size());
  Writer list;
  list.guid(kX509);
  list.number(kListHeader + signature_size);
  list.number(std::uint32_t{0});
  list.number(signature_size);
  list.zero(sizeof(Guid));  // the owner: nobody
  list.bytes(certificate);
  return list.written();
}

Bytes variable(std::string_view name, const Guid& vendor, ByteView content) {
  Writer made;
  made.number(kStartOfVariable);
  made.number(kAdded);
  made.zero(1);
  made.number(kAttributes);
  made.zero(sizeof(std::uint64_t) + kTimestampSize + sizeof(std::uint32_t));
  made.number(static_cast<std::uint32_t>(2 * (name.size() + 1)));
  made.number(static_cast<std::uint32_t>(content.size()));
  made.guid(vendor);
  for (const char letter : name) made.number(static_cast<std::uint16_t>(letter));
  made.zero(2);
  made.bytes(content);
  while (made.written().size() % 4 != 0) made.bytes(Bytes{std::byte{0xff}});
  return made.written();
}

}  // namespace

Bytes firmware_variables(const std::vector<EnrolledCertificate>& enrolled) {
  const auto firmware = lab::find_firmware();
  REQUIRE_MESSAGE(firmware.has_value(), (firmware ? "" : firmware.error().message()));
  // Its template lies beside it: OVMF_CODE_4M.fd, OVMF_VARS_4M.fd.
  std::string name = firmware->filename().string();
  const std::size_t at = name.find("CODE");
  REQUIRE_MESSAGE(at != std::string::npos, name);
  Result<Bytes> store = read_file(firmware->parent_path() / name.replace(at, 4, "VARS"));
  REQUIRE_MESSAGE(store.has_value(), (store ? "" : store.error().message()));
  Writer header;
  header.guid(kAuthenticatedStore);
  const auto found = std::search(store->begin(), store->end(), header.written().begin(), header.written().end());
  REQUIRE(found - store->begin() < static_cast<std::ptrdiff_t>(store->size() / 2));
  auto place = found + kStoreHeaderSize;
  for (const EnrolledCertificate& one : enrolled) {
    const Bytes list = signature_list(one.certificate);
    const Bytes made = one.list == CertificateList::kSignatures    ? variable("db", kSecurityDatabase, list)
                       : one.list == CertificateList::kPlatformKey ? variable("PK", kGlobalVariable, list)
                                                                   : variable("KEK", kGlobalVariable, list);
    REQUIRE(*place == std::byte{0xff});  // erased flash
    place = std::copy(made.begin(), made.end(), place);
  }
  return *std::move(store);
}

}  // namespace hotpatch::e2e

// SPDX-License-Identifier: GPL-2.0-or-later
//
// What crosses the border to Xen, byte for byte. Ours and not the installed headers', since one program serves several releases: what it
// uses of the interface has not moved from 4.17 to 4.22, though the interface's number has (list_reader.h says what else has).
//
// Sources: Xen include/public/sysctl.h and version.h, 4.17 to 4.22; tests/unit/hypercall holds them against the installed ones.
#pragma once

#include <array>
#include <cstdint>

#include "hypercall/channel.h"

namespace hotpatch::hypercall::abi {

inline constexpr unsigned kXenVersion = 17;  // __HYPERVISOR_xen_version
inline constexpr unsigned kSysctl = 35;      // __HYPERVISOR_sysctl

/// XEN_SYSCTL_INTERFACE_VERSION: of 4.17 to 4.20, of 4.21 and 4.22. Xen takes its own alone.
inline constexpr std::array<std::uint32_t, 2> kInterfaces = {0x15, 0x16};

enum class Version : unsigned { kNumber = 0, kExtra = 1, kCompileInfo = 2, kChangeset = 4, kBuildId = 10 };

struct CompileInfo {
  std::array<char, 64> compiler;
  std::array<char, 16> by;
  std::array<char, 32> domain;
  std::array<char, 32> date;
};
using ExtraVersion = std::array<char, 16>;
using Changeset = std::array<char, 64>;
/// No linker makes an ID that is longer.
struct BuildIdQuery {
  std::uint32_t size;  // in: of `bytes`
  std::array<std::byte, 256> bytes;
};

enum class Command : std::uint32_t { kReadConsole = 1, kDebugKeys = 7, kLivepatch = 27 };

struct ReadConsole {
  std::uint8_t clear;
  std::uint8_t incremental;
  std::array<std::uint8_t, 2> pad;
  std::uint32_t index;  // in: from where, if incremental; out: the end
  std::uint64_t buffer;
  std::uint32_t count;  // in: room; out: bytes
};
struct DebugKeys {
  std::uint64_t keys;
  std::uint32_t count;
};

enum class LivepatchCommand : std::uint32_t { kUpload = 0, kGet = 1, kList = 2, kAction = 3 };

struct Name {
  std::uint64_t text;
  std::uint16_t size;  // its NUL included
  std::array<std::uint16_t, 3> pad;
};
struct Upload {
  Name name;
  std::uint64_t size;
  std::uint64_t payload;
};
struct Get {
  Name name;
  Status status;
};
struct List {
  std::uint32_t version;  // out: another one where payloads came or went
  std::uint32_t index;    // in: from which payload on
  std::uint32_t count;    // in: room, 0 to ask for the sizes; out: how many are left, or there
  std::uint32_t pad;
  std::uint32_t names;     // out: bytes of all names, or of those that came; from 0x16 on, in: room
  std::uint32_t metadata;  // the same
  std::uint64_t status_buffer;
  std::uint64_t name_buffer;
  std::uint64_t name_size_buffer;  // u32 each
  std::uint64_t metadata_buffer;
  std::uint64_t metadata_size_buffer;  // u32 each
};
struct ActionRequest {
  Name name;
  Action action;
  std::uint32_t timeout_ns;
  std::uint32_t flags;
  std::uint32_t pad;
};
struct Livepatch {
  LivepatchCommand command;
  std::uint32_t flags;  // zero: "pad" up to 4.18
  union {
    Upload upload;
    Get get;
    List list;
    ActionRequest action;
  };
};

struct Sysctl {
  Command command;
  std::uint32_t interface_version;
  union {
    ReadConsole read_console;
    DebugKeys debug_keys;
    Livepatch livepatch;
    std::array<std::byte, 128> room;
  };
};

}  // namespace hotpatch::hypercall::abi

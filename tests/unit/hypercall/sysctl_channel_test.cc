// SPDX-License-Identifier: GPL-2.0-or-later
//
// The channel's side of Xen's interface, before a gate that answers as Xen does: one release's number, a list that comes in pieces.
#include "hypercall/sysctl_channel.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>

#include <doctest/doctest.h>

namespace hotpatch::hypercall {
namespace {

using abi::Sysctl;

struct World {
  std::uint32_t interface = 0x15;
  std::vector<Listed> payloads;
  std::uint32_t at_a_time = 1000;  // payloads that one LIST gives
  bool grows = false;              // a payload more with each LIST
  std::uint32_t version = 1;
  std::vector<std::uint32_t> tried;  // interfaces
  std::map<void*, std::size_t> taken;
  std::string console = "old lines\n";
  Bytes uploaded;
  abi::ActionRequest asked{};
  int refusal = 0;  // errno of every livepatch operation
};

class FakeGate final : public Gate {
 public:
  explicit FakeGate(World& world) : world_(world) {}

  void* take(std::size_t size) override {
    void* memory = ::operator new(size);
    std::memset(memory, 0xa5, size);
    world_.taken[memory] = size;
    return memory;
  }
  void give_back(void* memory) override {
    world_.taken.erase(memory);
    ::operator delete(memory);
  }

  int version(abi::Version query, void* argument) override {
    if (query == abi::Version::kNumber) return (4 << 16) | 17;
    if (query == abi::Version::kExtra) std::memcpy(argument, ".5-test", 8);
    if (query == abi::Version::kChangeset) std::memcpy(argument, "none", 5);
    if (query == abi::Version::kCompileInfo) std::memcpy(static_cast<abi::CompileInfo*>(argument)->compiler.data(), "gcc", 4);
    if (query != abi::Version::kBuildId) return 0;
    auto* id = static_cast<abi::BuildIdQuery*>(argument);
    REQUIRE(id->size >= 20);
    std::fill_n(id->bytes.begin(), 20, std::byte{7});
    return 20;
  }

  int sysctl(Sysctl* call) override {
    world_.tried.push_back(call->interface_version);
    if (call->interface_version != world_.interface) return refuse(EACCES);
    switch (call->command) {
      case abi::Command::kReadConsole: return read_console(call->read_console);
      case abi::Command::kDebugKeys: world_.console += "key pressed\n"; return 0;
      case abi::Command::kLivepatch: break;
    }
    CHECK(call->livepatch.flags == 0);
    if (world_.refusal != 0) return refuse(world_.refusal);
    switch (call->livepatch.command) {
      case abi::LivepatchCommand::kUpload: return upload(call->livepatch.upload);
      case abi::LivepatchCommand::kGet: call->livepatch.get.status = {.state = State::kApplied, .rc = -EAGAIN}; return 0;
      case abi::LivepatchCommand::kAction: world_.asked = call->livepatch.action; return 0;
      case abi::LivepatchCommand::kList: return list(call->livepatch.list);
    }
    return refuse(EINVAL);
  }

 private:
  static int refuse(int reason) {
    errno = reason;
    return -1;
  }
  template <typename T>
  static T* at(std::uint64_t handle) {
    return reinterpret_cast<T*>(static_cast<std::uintptr_t>(handle));
  }

  int read_console(abi::ReadConsole& call) {
    REQUIRE(call.incremental == 1);
    const std::size_t count = std::min<std::size_t>(call.count, world_.console.size() - call.index);
    std::memcpy(at<char>(call.buffer), world_.console.data() + call.index, count);
    call.index += static_cast<std::uint32_t>(count);
    call.count = static_cast<std::uint32_t>(count);
    return 0;
  }

  int upload(const abi::Upload& call) {
    CHECK(std::string(at<char>(call.name.text)) == "fix");
    CHECK(call.name.size == 4);
    world_.uploaded.assign(at<std::byte>(call.payload), at<std::byte>(call.payload) + call.size);
    return 0;
  }

  int list(abi::List& call) {
    const auto total = static_cast<std::uint32_t>(world_.payloads.size());
    if (call.count == 0) {
      call.count = total;
      call.names = call.metadata = 0;
      for (const Listed& one : world_.payloads) {
        call.names += static_cast<std::uint32_t>(one.name.size() + 1);
        call.metadata += static_cast<std::uint32_t>(one.metadata.size());
      }
      return 0;
    }
    std::uint32_t count = 0;
    std::uint32_t names = 0;
    std::uint32_t metadata = 0;
    while (count < call.count && count < world_.at_a_time && call.index + count < total) {
      const Listed& one = world_.payloads[call.index + count];
      const auto size = static_cast<std::uint32_t>(one.name.size() + 1);
      if (world_.interface >= 0x16 && names + size > call.names) return refuse(ENOBUFS);
      std::memcpy(at<char>(call.name_buffer) + names, one.name.c_str(), size);
      std::ranges::copy(one.metadata, at<std::byte>(call.metadata_buffer) + metadata);
      at<Status>(call.status_buffer)[count] = one.status;
      at<std::uint32_t>(call.name_size_buffer)[count] = size;
      at<std::uint32_t>(call.metadata_size_buffer)[count] = static_cast<std::uint32_t>(one.metadata.size());
      names += size;
      metadata += static_cast<std::uint32_t>(one.metadata.size());
      ++count;
    }
    call.version = world_.version;
    call.names = names;
    call.metadata = metadata;
    call.count = total - call.index - count;
    if (world_.grows) {
      world_.payloads.push_back({.name = "one more", .status = {}, .metadata = {}});
      ++world_.version;
    }
    return static_cast<int>(count);
  }

  World& world_;
};

std::unique_ptr<Channel> channel(World& world) { return channel_through(std::make_unique<FakeGate>(world)); }

std::vector<Listed> some_payloads() {
  std::vector<Listed> payloads;
  for (const char* name : {"a", "second", "3"})
    payloads.push_back(
        {.name = name, .status = {.state = State::kApplied, .rc = -EBUSY}, .metadata = Bytes(payloads.size() * 7)});
  return payloads;
}

TEST_CASE("the interface is found out once, by asking") {
  World world;
  world.interface = 0x16;
  const auto xen = channel(world);
  REQUIRE(xen->get("fix"));
  REQUIRE(xen->get("fix"));
  CHECK(world.tried == std::vector<std::uint32_t>{0x15, 0x16, 0x16});
  CHECK(world.taken.empty());
}

TEST_CASE("a Xen of an interface that is not known is refused, and told apart from other refusals") {
  World world;
  world.interface = 0x17;
  const auto refused = channel(world)->get("fix");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().os_error() == EACCES);
  CHECK(refused.error().remedy().find("4.17 to 4.22") != std::string::npos);
  world.interface = 0x15;
  world.refusal = ENOENT;
  CHECK(channel(world)->get("fix").error().os_error() == ENOENT);
  CHECK(world.taken.empty());
}

TEST_CASE("every operation gives Xen what it asks for") {
  World world;
  const auto xen = channel(world);
  const Bytes payload(5000, std::byte{9});
  REQUIRE(xen->upload("fix", payload));
  CHECK(world.uploaded == payload);
  CHECK(xen->get("fix") == Status{.state = State::kApplied, .rc = -EAGAIN});
  REQUIRE(xen->action("fix", Action::kReplace, 30'000'000, 1));
  CHECK(world.asked.action == Action::kReplace);
  CHECK(world.asked.timeout_ns == 30'000'000);
  CHECK(world.asked.flags == 1);
  CHECK(world.asked.pad == 0);
  CHECK(xen->hypervisor()->version() == "4.17.5-test");
  CHECK(xen->hypervisor()->compiler == "gcc");
  CHECK(xen->build_id()->text() == "0707070707070707070707070707070707070707");
  CHECK(xen->dump() == "key pressed\n");
  CHECK_FALSE(xen->upload("fix", {}));
  CHECK_FALSE(xen->get(""));
  CHECK(world.taken.empty());
}

TEST_CASE("a list is the same in one piece and in several, in either interface") {
  for (const std::uint32_t interface : abi::kInterfaces)
    for (const std::uint32_t pieces : {1000U, 2U, 1U}) {
      World world;
      world.interface = interface;
      world.at_a_time = pieces;
      world.payloads = some_payloads();
      const auto listed = channel(world)->list();
      REQUIRE(listed);
      CHECK(*listed == world.payloads);
      CHECK(world.taken.empty());
    }
  World empty;
  CHECK(channel(empty)->list()->empty());
}

TEST_CASE("a list that never stands still is busy, not wrong") {
  World world;
  world.payloads = some_payloads();
  world.at_a_time = 1;
  world.grows = true;
  const auto listed = channel(world)->list();
  REQUIRE_FALSE(listed);
  CHECK(listed.error().code() == Errc::kBusy);
  CHECK(world.taken.empty());
}

}  // namespace
}  // namespace hotpatch::hypercall

// SPDX-License-Identifier: GPL-2.0-or-later
#include "hypercall/sysctl_channel.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>
#include <type_traits>

#include "hypercall/list_reader.h"

namespace hotpatch::hypercall {
namespace {

/// Memory for Xen, zeroed, of a number of T.
template <typename T>
class Shared {
 public:
  static_assert(std::is_trivially_copyable_v<T>);

  static Result<Shared> make(Gate& gate, std::size_t count = 1) {
    const std::size_t size = std::max<std::size_t>(count, 1) * sizeof(T);
    void* memory = gate.take(size);
    if (memory == nullptr) return tl::unexpected(Error(Errc::kIo, "get memory for a hypercall", ENOMEM));
    std::memset(memory, 0, size);
    return Shared(gate, static_cast<T*>(memory), count);
  }
  static Result<Shared> copy(Gate& gate, std::span<const T> content) {
    HP_ASSIGN(Shared made, make(gate, content.size()));
    std::ranges::copy(content, made.memory_);
    return made;
  }
  Shared(Shared&& other) noexcept : gate_(other.gate_), memory_(std::exchange(other.memory_, nullptr)), count_(other.count_) {}
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;
  Shared& operator=(Shared&&) = delete;
  ~Shared() {
    if (memory_ != nullptr) gate_->give_back(memory_);
  }

  [[nodiscard]] T* get() const noexcept { return memory_; }
  T* operator->() const noexcept { return memory_; }
  [[nodiscard]] std::span<const T> all() const noexcept { return {memory_, count_}; }
  /// As Xen takes it: where the element at `index` is.
  [[nodiscard]] std::uint64_t handle(std::size_t index = 0) const noexcept {
    return reinterpret_cast<std::uintptr_t>(memory_ + index);
  }

 private:
  Shared(Gate& gate, T* memory, std::size_t count) : gate_(&gate), memory_(memory), count_(count) {}
  Gate* gate_;
  T* memory_;
  std::size_t count_;
};

template <std::size_t Size>
std::string text_of(const std::array<char, Size>& buffer) {
  return {buffer.data(), ::strnlen(buffer.data(), Size)};
}

tl::unexpected<Error> refused(std::string what) { return tl::unexpected(hypercall_error(std::move(what), errno)); }

/// A payload's name where Xen can read it, and what tells of it.
struct GivenName {
  Shared<char> text;
  abi::Name name;
};
Result<GivenName> give_name(Gate& gate, const std::string& name) {
  HP_TRY(check_name(name));
  const std::size_t size = name.size() + 1;
  HP_ASSIGN(Shared<char> text, Shared<char>::copy(gate, {name.c_str(), size}));
  const abi::Name given = {.text = text.handle(), .size = static_cast<std::uint16_t>(size), .pad = {}};
  return GivenName{std::move(text), given};
}

class SysctlChannel final : public Channel, private ListSource {
 public:
  explicit SysctlChannel(std::unique_ptr<Gate> gate) : gate_(std::move(gate)) {}

  Result<Hypervisor> hypervisor() override {
    Hypervisor found;
    const int version = gate_->version(abi::Version::kNumber, nullptr);
    if (version < 0) return refused("ask Xen for its version");
    found.major = static_cast<unsigned>(version) >> 16U;
    found.minor = static_cast<unsigned>(version) & 0xffffU;
    HP_ASSIGN(const auto extra, ask<abi::ExtraVersion>(abi::Version::kExtra, "ask Xen for its extra version"));
    found.extra = text_of(extra);
    HP_ASSIGN(const auto compile, ask<abi::CompileInfo>(abi::Version::kCompileInfo, "ask Xen how it was compiled"));
    found.compiler = text_of(compile.compiler);
    found.compile_date = text_of(compile.date);
    HP_ASSIGN(const auto changeset, ask<abi::Changeset>(abi::Version::kChangeset, "ask Xen for its changeset"));
    found.changeset = text_of(changeset);
    return found;
  }

  Result<BuildId> build_id() override {
    HP_ASSIGN(const auto query, Shared<abi::BuildIdQuery>::make(*gate_));
    query->size = static_cast<std::uint32_t>(query->bytes.size());
    const int length = gate_->version(abi::Version::kBuildId, query.get());
    if (length < 0) return refused("ask Xen for its build ID");
    if (length == 0 || static_cast<std::size_t>(length) > query->bytes.size())
      return fail(Errc::kMalformed, "Xen gives a build ID of " + std::to_string(length) + " bytes");
    return BuildId(ByteView(query->bytes).first(static_cast<std::size_t>(length)));
  }

  Result<> upload(const std::string& name, ByteView payload) override {
    HP_ASSIGN(const GivenName given, give_name(*gate_, name));
    if (payload.empty() || payload.size() > kMaxUploadSize)
      return fail(Errc::kInvalid, "a payload of " + std::to_string(payload.size()) + " bytes cannot be uploaded");
    HP_ASSIGN(const auto content, Shared<std::byte>::copy(*gate_, payload));
    abi::Livepatch operation = {.command = abi::LivepatchCommand::kUpload, .flags = 0, .upload = {}};
    operation.upload = {.name = given.name, .size = payload.size(), .payload = content.handle()};
    if (livepatch(operation) < 0) return refused("upload " + name);
    return {};
  }

  Result<Status> get(const std::string& name) override {
    HP_ASSIGN(const GivenName given, give_name(*gate_, name));
    abi::Livepatch operation = {.command = abi::LivepatchCommand::kGet, .flags = 0, .get = {}};
    operation.get.name = given.name;
    if (livepatch(operation) < 0) return refused("ask for the state of " + name);
    return operation.get.status;
  }

  Result<std::vector<Listed>> list() override { return read_stable_list(*this); }

  Result<> action(const std::string& name, Action action, std::uint32_t timeout_ns, std::uint32_t flags) override {
    HP_ASSIGN(const GivenName given, give_name(*gate_, name));
    abi::Livepatch operation = {.command = abi::LivepatchCommand::kAction, .flags = 0, .action = {}};
    operation.action = {.name = given.name, .action = action, .timeout_ns = timeout_ns, .flags = flags, .pad = 0};
    if (livepatch(operation) < 0) return refused(std::string(action_name(action)) + " " + name);
    return {};
  }

  Result<std::string> dump() override {
    // The ring is read up to its end first, so that only what comes afterwards is looked at.
    std::uint32_t place = 0;
    HP_TRY(read_console(place));
    HP_ASSIGN(const auto key, Shared<char>::copy(*gate_, std::span<const char>("x", 1)));
    abi::Sysctl call = {.command = abi::Command::kDebugKeys, .interface_version = 0, .debug_keys = {}};
    call.debug_keys = {.keys = key.handle(), .count = 1};
    if (sysctl(call) < 0) return refused("ask Xen to print its payloads");
    return read_console(place);
  }

 private:
  template <typename Answer>
  Result<Answer> ask(abi::Version query, const char* what) {
    HP_ASSIGN(const auto answer, Shared<Answer>::make(*gate_));
    if (gate_->version(query, answer.get()) < 0) return refused(what);
    return *answer.get();
  }

  /// What Xen returns, or -1 and errno; `call` is as Xen leaves it. The first call finds out which interface Xen has: one with another
  /// number is refused before anything of it is looked at.
  int sysctl(abi::Sysctl& call) {
    const Result<Shared<abi::Sysctl>> given = Shared<abi::Sysctl>::make(*gate_);
    if (!given) {
      errno = ENOMEM;
      return -1;
    }
    int answer = -1;
    for (const std::uint32_t number : abi::kInterfaces) {
      if (interface_ != 0 && number != interface_) continue;
      *given->get() = call;
      given->get()->interface_version = number;
      answer = gate_->sysctl(given->get());
      if (answer < 0 && errno == EACCES) continue;
      interface_ = number;
      break;
    }
    const int reason = errno;  // of the call, not of what gives the memory back
    call = *given->get();
    errno = reason;
    return answer;
  }

  int livepatch(abi::Livepatch& operation) {
    abi::Sysctl call = {.command = abi::Command::kLivepatch, .interface_version = 0, .livepatch = operation};
    const int answer = sysctl(call);
    operation = call.livepatch;
    return answer;
  }

  /// What is in the console's ring from `place` on, which moves to its end.
  Result<std::string> read_console(std::uint32_t& place) {
    std::string text;
    constexpr std::uint32_t kRoom = 64U << 10U;
    HP_ASSIGN(const auto buffer, Shared<char>::make(*gate_, kRoom));
    for (unsigned round = 0; round < 64; ++round) {  // a console that is written to faster than it is read has no end
      abi::Sysctl call = {.command = abi::Command::kReadConsole, .interface_version = 0, .read_console = {}};
      call.read_console = {.clear = 0, .incremental = 1, .pad = {}, .index = place, .buffer = buffer.handle(), .count = kRoom};
      if (sysctl(call) < 0) return refused("read Xen's console");
      place = call.read_console.index;
      const std::uint32_t count = std::min(call.read_console.count, kRoom);
      if (count == 0) break;
      text.append(buffer.get(), count);
    }
    return text;
  }

  Result<ListSizes> list_sizes() override {
    abi::Livepatch operation = {.command = abi::LivepatchCommand::kList, .flags = 0, .list = {}};
    if (livepatch(operation) < 0) return refused("count the payloads");
    return ListSizes{.count = operation.list.count, .names = operation.list.names, .metadata = operation.list.metadata};
  }

  Result<RawList> read_list(const ListSizes& room) override {
    HP_ASSIGN(const auto statuses, Shared<Status>::make(*gate_, room.count));
    HP_ASSIGN(const auto names, Shared<char>::make(*gate_, room.names));
    HP_ASSIGN(const auto name_sizes, Shared<std::uint32_t>::make(*gate_, room.count));
    HP_ASSIGN(const auto metadata, Shared<std::byte>::make(*gate_, room.metadata));
    HP_ASSIGN(const auto metadata_sizes, Shared<std::uint32_t>::make(*gate_, room.count));
    ListSizes have{};
    std::uint32_t version = 0;
    std::uint32_t left = 0;
    do {  // Xen may stop before the end, to let others run
      abi::Livepatch operation = {.command = abi::LivepatchCommand::kList, .flags = 0, .list = {}};
      operation.list = {.version = 0,
                        .index = have.count,
                        .count = room.count - have.count,
                        .pad = 0,
                        .names = room.names - have.names,
                        .metadata = room.metadata - have.metadata,
                        .status_buffer = statuses.handle(have.count),
                        .name_buffer = names.handle(have.names),
                        .name_size_buffer = name_sizes.handle(have.count),
                        .metadata_buffer = metadata.handle(have.metadata),
                        .metadata_size_buffer = metadata_sizes.handle(have.count)};
      const int came = livepatch(operation);
      if (came < 0) return refused("list the payloads");
      if (have.count != 0 && operation.list.version != version)
        return tl::unexpected(hypercall_error("list the payloads: they changed meanwhile", EBUSY));
      version = operation.list.version;
      left = operation.list.count;
      if (static_cast<std::uint32_t>(came) > room.count - have.count || operation.list.names > room.names - have.names ||
          operation.list.metadata > room.metadata - have.metadata)
        return fail(Errc::kMalformed, "Xen listed more payloads than there was room for");
      have.count += static_cast<std::uint32_t>(came);
      have.names += operation.list.names;
      have.metadata += operation.list.metadata;
      if (came == 0) break;
    } while (left != 0 && have.count < room.count);
    RawList raw;
    raw.left = left;
    raw.statuses.assign(statuses.get(), statuses.get() + have.count);
    raw.name_sizes.assign(name_sizes.get(), name_sizes.get() + have.count);
    raw.metadata_sizes.assign(metadata_sizes.get(), metadata_sizes.get() + have.count);
    raw.names.assign(names.get(), room.names);
    raw.metadata.assign(metadata.get(), metadata.get() + room.metadata);
    return raw;
  }

  std::unique_ptr<Gate> gate_;
  std::uint32_t interface_ = 0;  // 0: not known yet
};

}  // namespace

std::unique_ptr<Channel> channel_through(std::unique_ptr<Gate> gate) { return std::make_unique<SysctlChannel>(std::move(gate)); }

}  // namespace hotpatch::hypercall

// SPDX-License-Identifier: GPL-2.0-or-later
//
// The only file that knows libxenctrl.
#include "hypercall/xenctrl_channel.h"

#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <type_traits>

#include "hypercall/list_reader.h"

// C headers that do not say so. They come last: the standard headers that they include must not be read inside these braces.
extern "C" {
#include <xenctrl.h>
#include <xentoollog.h>
}

namespace hotpatch::hypercall {
namespace {

// libxenctrl explains its failures on standard error unless it is given a logger; ours say more, in one place.
void drop_message(xentoollog_logger* /*logger*/, xentoollog_level /*level*/, int /*os_error*/, const char* /*context*/,
                  const char* /*format*/, va_list /*arguments*/) {}
void drop_progress(xentoollog_logger* /*logger*/, const char* /*context*/, const char* /*doing*/, int /*percent*/,
                   unsigned long /*done*/, unsigned long /*total*/) {}
void keep_logger(xentoollog_logger* /*logger*/) {}

struct CloseInterface {
  void operator()(xc_interface* interface) const noexcept { (void)xc_interface_close(interface); }
};

/// From 4.19 on xc_livepatch_upload() has a parameter `force` at its end.
template <typename Upload>
int call_upload(Upload upload, xc_interface* interface, char* name, unsigned char* payload, std::uint32_t size) {
  if constexpr (std::is_invocable_v<Upload, xc_interface*, char*, unsigned char*, std::uint32_t>)
    return upload(interface, name, payload, size);
  else
    return upload(interface, name, payload, size, false);
}

/// libxenctrl's parameters are not const, though it only reads through them.
char* mutable_name(std::string& name) noexcept { return name.data(); }

template <std::size_t Size>
std::string text_of(const std::array<char, Size>& buffer) {
  return {buffer.data(), ::strnlen(buffer.data(), Size)};
}

class XenctrlChannel final : public Channel, private ListSource {
 public:
  XenctrlChannel() = default;

  Result<> open() {
    interface_.reset(xc_interface_open(&logger_, &logger_, 0));
    if (interface_) return {};
    const int os_error = errno;
    const char* remedy = os_error == EACCES || os_error == EPERM
                             ? "run as root"
                             : "this must run in dom0 of a Xen host, with the module xen-privcmd loaded";
    return tl::unexpected(Error(Errc::kIo, "open the interface to Xen", os_error).with_remedy(remedy));
  }

  Result<Hypervisor> hypervisor() override {
    Hypervisor found;
    const int version = xc_version(interface_.get(), XENVER_version, nullptr);
    if (version < 0) return refused("ask Xen for its version");
    found.major = static_cast<unsigned>(version) >> 16U;
    found.minor = static_cast<unsigned>(version) & 0xffffU;
    std::array<char, sizeof(xen_extraversion_t)> extra{};
    if (xc_version(interface_.get(), XENVER_extraversion, extra.data()) < 0) return refused("ask Xen for its extra version");
    found.extra = text_of(extra);
    xen_compile_info_t compile{};
    if (xc_version(interface_.get(), XENVER_compile_info, &compile) < 0) return refused("ask Xen how it was compiled");
    found.compiler = std::string(compile.compiler, ::strnlen(compile.compiler, sizeof compile.compiler));
    found.compile_date = std::string(compile.compile_date, ::strnlen(compile.compile_date, sizeof compile.compile_date));
    std::array<char, sizeof(xen_changeset_info_t)> changeset{};
    if (xc_version(interface_.get(), XENVER_changeset, changeset.data()) < 0) return refused("ask Xen for its changeset");
    found.changeset = text_of(changeset);
    return found;
  }

  Result<BuildId> build_id() override {
    // The header, then the ID: no linker makes one that is longer than this.
    alignas(xen_build_id_t) std::array<std::byte, sizeof(xen_build_id_t) + 256> buffer{};
    auto* asked = reinterpret_cast<xen_build_id_t*>(buffer.data());
    asked->len = static_cast<decltype(asked->len)>(buffer.size() - sizeof(xen_build_id_t));
    const int length = xc_version(interface_.get(), XENVER_build_id, asked);
    if (length < 0) return refused("ask Xen for its build ID");
    constexpr std::size_t kStart = offsetof(xen_build_id_t, buf);
    if (length == 0 || static_cast<std::size_t>(length) > buffer.size() - kStart)
      return fail(Errc::kMalformed, "Xen gives a build ID of " + std::to_string(length) + " bytes");
    return BuildId(ByteView(buffer).subspan(kStart, static_cast<std::size_t>(length)));
  }

  Result<> upload(const std::string& name, ByteView payload) override {
    HP_TRY(check_name(name));
    if (payload.empty() || payload.size() > kMaxUploadSize)
      return fail(Errc::kInvalid, "a payload of " + std::to_string(payload.size()) + " bytes cannot be uploaded");
    std::string given = name;
    Bytes content(payload.begin(), payload.end());
    if (call_upload(&xc_livepatch_upload, interface_.get(), mutable_name(given), reinterpret_cast<unsigned char*>(content.data()),
                    static_cast<std::uint32_t>(content.size())) != 0)
      return refused("upload " + name);
    return {};
  }

  Result<Status> get(const std::string& name) override {
    HP_TRY(check_name(name));
    std::string given = name;
    xen_livepatch_status_t status{};
    if (xc_livepatch_get(interface_.get(), mutable_name(given), &status) != 0) return refused("ask for the state of " + name);
    return Status{.state = static_cast<State>(status.state), .rc = status.rc};
  }

  Result<std::vector<Listed>> list() override { return read_stable_list(*this); }

  Result<> action(const std::string& name, Action action, std::uint32_t timeout_ns, std::uint32_t flags) override {
    HP_TRY(check_name(name));
    std::string given = name;
    if (call_action(action, mutable_name(given), timeout_ns, flags) != 0)
      return refused(std::string(action_name(action)) + " " + name);
    return {};
  }

  Result<std::string> dump() override {
    // The ring is read up to its end first, so that only what comes afterwards is looked at.
    std::uint32_t place = 0;
    HP_TRY(read_console(place));
    std::array<char, 2> key = {'x', '\0'};
    if (xc_send_debug_keys(interface_.get(), key.data()) != 0) return refused("ask Xen to print its payloads");
    return read_console(place);
  }

 private:
  /// What is in the console's ring from `place` on, which moves to its end.
  Result<std::string> read_console(std::uint32_t& place) {
    std::string text;
    std::vector<char> buffer(std::size_t{64} << 10U);
    for (unsigned round = 0; round < 64; ++round) {  // a console that is written to faster than it is read has no end
      auto count = static_cast<unsigned>(buffer.size());
      if (xc_readconsolering(interface_.get(), buffer.data(), &count, 0, 1, &place) != 0) return refused("read Xen's console");
      if (count == 0) break;
      text.append(buffer.data(), count);
    }
    return text;
  }

  static tl::unexpected<Error> refused(std::string what) { return tl::unexpected(hypercall_error(std::move(what), errno)); }

  int call_action(Action action, char* name, std::uint32_t timeout_ns, std::uint32_t flags) {
    switch (action) {
      case Action::kUnload: return xc_livepatch_unload(interface_.get(), name, timeout_ns, flags);
      case Action::kRevert: return xc_livepatch_revert(interface_.get(), name, timeout_ns, flags);
      case Action::kApply: return xc_livepatch_apply(interface_.get(), name, timeout_ns, flags);
      case Action::kReplace: return xc_livepatch_replace(interface_.get(), name, timeout_ns, flags);
    }
    HP_UNREACHABLE();
  }

  Result<ListSizes> list_sizes() override {
    unsigned count = 0;
    std::uint32_t names = 0;
    std::uint32_t metadata = 0;
    if (xc_livepatch_list_get_sizes(interface_.get(), &count, &names, &metadata) != 0) return refused("count the payloads");
    return ListSizes{.count = count, .names = names, .metadata = metadata};
  }

  Result<RawList> read_list(const ListSizes& room) override {
    std::vector<xen_livepatch_status_t> statuses(room.count);
    std::vector<char> names(room.names);
    std::vector<char> metadata(room.metadata);
    RawList raw;
    raw.name_sizes.resize(room.count);
    raw.metadata_sizes.resize(room.count);
    unsigned done = 0;
    unsigned left = 0;
    if (xc_livepatch_list(interface_.get(), room.count, 0, statuses.data(), names.data(), raw.name_sizes.data(), room.names,
                          metadata.data(), raw.metadata_sizes.data(), room.metadata, &done, &left) != 0)
      return refused("list the payloads");
    if (done > room.count) return fail(Errc::kMalformed, "Xen listed more payloads than there was room for");
    raw.left = left;
    raw.name_sizes.resize(done);
    raw.metadata_sizes.resize(done);
    for (unsigned number = 0; number < done; ++number)
      raw.statuses.push_back({.state = static_cast<State>(statuses[number].state), .rc = statuses[number].rc});
    raw.names.assign(names.begin(), names.end());
    const ByteView bytes = std::as_bytes(std::span(metadata));
    raw.metadata.assign(bytes.begin(), bytes.end());
    return raw;
  }

  xentoollog_logger logger_ = {.vmessage = drop_message, .progress = drop_progress, .destroy = keep_logger};
  std::unique_ptr<xc_interface, CloseInterface> interface_;
};

}  // namespace

Result<std::unique_ptr<Channel>> open_xen() {
  auto channel = std::make_unique<XenctrlChannel>();
  HP_TRY(channel->open());
  return std::unique_ptr<Channel>(std::move(channel));
}

}  // namespace hotpatch::hypercall

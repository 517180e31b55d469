// SPDX-License-Identifier: GPL-2.0-or-later
//
// The only file that knows libxencall.
#include "hypercall/open_xen.h"

#include <cerrno>
#include <cstdarg>

#include "hypercall/sysctl_channel.h"

// C headers that do not say so. They come last: the standard headers that they include must not be read inside these braces.
extern "C" {
#include <xencall.h>
#include <xentoollog.h>
}

namespace hotpatch::hypercall {
namespace {

// libxencall explains its failures on standard error unless it is given a logger; ours say more, in one place.
void drop_message(xentoollog_logger* /*logger*/, xentoollog_level /*level*/, int /*os_error*/, const char* /*context*/,
                  const char* /*format*/, va_list /*arguments*/) {}
void drop_progress(xentoollog_logger* /*logger*/, const char* /*context*/, const char* /*doing*/, int /*percent*/,
                   unsigned long /*done*/, unsigned long /*total*/) {}
void keep_logger(xentoollog_logger* /*logger*/) {}

struct CloseHandle {
  void operator()(xencall_handle* handle) const noexcept { (void)xencall_close(handle); }
};

/// libxencall's interface is the same for all releases of Xen, unlike libxenctrl's.
class XencallGate final : public Gate {
 public:
  Result<> open() {
    handle_.reset(xencall_open(&logger_, 0));
    if (handle_) return {};
    const int os_error = errno;
    const char* remedy = os_error == EACCES || os_error == EPERM
                             ? "run as root"
                             : "this must run in dom0 of a Xen host, with the module xen-privcmd loaded";
    return tl::unexpected(Error(Errc::kIo, "open the interface to Xen", os_error).with_remedy(remedy));
  }

  void* take(std::size_t size) override { return xencall_alloc_buffer(handle_.get(), size); }
  void give_back(void* memory) override { xencall_free_buffer(handle_.get(), memory); }
  int version(abi::Version query, void* argument) override {
    return xencall2(handle_.get(), abi::kXenVersion, static_cast<std::uint64_t>(query), address_of(argument));
  }
  int sysctl(abi::Sysctl* argument) override { return xencall1(handle_.get(), abi::kSysctl, address_of(argument)); }

 private:
  static std::uint64_t address_of(const void* argument) noexcept { return reinterpret_cast<std::uintptr_t>(argument); }

  xentoollog_logger logger_ = {.vmessage = drop_message, .progress = drop_progress, .destroy = keep_logger};
  std::unique_ptr<xencall_handle, CloseHandle> handle_;
};

}  // namespace

Result<std::unique_ptr<Channel>> open_xen() {
  auto gate = std::make_unique<XencallGate>();
  HP_TRY(gate->open());
  return channel_through(std::move(gate));
}

}  // namespace hotpatch::hypercall

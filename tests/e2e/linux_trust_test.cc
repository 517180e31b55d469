// SPDX-License-Identifier: GPL-2.0-or-later
//
// What linux-hotpatch and the kernel do not let in: modules of another build, without an origin, unsigned or tampered with.
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/e2e/e2e.h"

namespace hotpatch::e2e {
namespace {

using Json = nlohmann::json;

// The same ABI, another build: the kernel itself would take it.
Bytes of_another_build(Bytes module) {
  const std::string_view key = "hotpatch_build_id=";
  const std::size_t at = as_text(module).find(key);
  REQUIRE(at != std::string_view::npos);
  std::byte& digit = module[at + key.size()];
  digit = digit == std::byte{'0'} ? std::byte{'1'} : std::byte{'0'};
  return module;
}

// With the signature of a module that was shipped, which the kernel's own key made.
Bytes with_signature_of(Bytes module, const Bytes& signed_module) {
  constexpr std::size_t kMark = 28;     // "~Module signature appended~\n"
  constexpr std::size_t kTrailer = 12;  // struct module_signature; its last four bytes are the length, the highest first
  const ByteView trailer = ByteView(signed_module).last(kMark + kTrailer);
  std::size_t size = 0;
  for (std::size_t i = kTrailer - 4; i < kTrailer; ++i) size = size << 8U | std::to_integer<std::size_t>(trailer[i]);
  const ByteView tail = ByteView(signed_module).last(size + kTrailer + kMark);
  module.insert(module.end(), tail.begin(), tail.end());
  return module;
}

TEST_CASE("what does not belong to this build of the kernel is refused, and nothing is touched") {
  Guest guest("linux_trust", lab::System::kLinux);
  guest.add_payload("small.ko", kernel_module("small"));
  guest.add_payload("signed.ko", kernel_module("signed"));
  guest.add_payload("foreign.ko", kernel_module("foreign"));
  guest.add_payload("elsewhere.ko", of_another_build(kernel_module("small")));
  guest.add_payload("binfmt_misc.ko", stock_module("binfmt_misc"));
  guest.add_payload("forged.ko", with_signature_of(kernel_module("small"), stock_module("binfmt_misc")));
  const std::size_t elsewhere = guest.add("linux-hotpatch load /payloads/elsewhere.ko --json");
  const std::size_t foreign = guest.add("linux-hotpatch load /payloads/foreign.ko --json");
  const std::size_t no_patch = guest.add("linux-hotpatch load /payloads/binfmt_misc.ko --json");
  const std::size_t no_module = guest.add("linux-hotpatch load /proc/version; linux-hotpatch load /etc");
  const std::size_t required = guest.add("linux-hotpatch load /payloads/signed.ko --require-signature --json");
  const std::size_t untraced = guest.add(
      "sysctl -q kernel.ftrace_enabled=0; linux-hotpatch load /payloads/small.ko; code=$?; sysctl -q kernel.ftrace_enabled=1; "
      "exit $code");
  const std::size_t untouched = guest.add("ls /sys/kernel/livepatch; ls /var/lib/linux-hotpatch");
  const std::size_t forged = guest.add("linux-hotpatch load /payloads/forged.ko --json");
  const std::size_t unknown_key = guest.add("linux-hotpatch load /payloads/signed.ko --json");
  guest.run();
  for (const std::size_t step : {elsewhere, foreign, required, forged}) {
    CHECK_MESSAGE(guest.status(step) == 5, guest.describe(step));
    CHECK(Json::parse(guest.output(step))["outcome"] == "untrusted");
  }
  CHECK(guest.status(no_patch) == 1);
  CHECK(guest.status(no_module) == 1);
  CHECK_MESSAGE(guest.status(untraced) == 1, guest.describe(untraced));
  CHECK(guest.errors(untraced).find("sysctl kernel.ftrace_enabled=1") != std::string::npos);
  CHECK_MESSAGE(guest.output(untouched).empty(), guest.describe(untouched));
  CHECK_MESSAGE(guest.status(unknown_key) == 0, guest.describe(unknown_key));
}

TEST_CASE("a kernel that enforces signatures takes what was shipped, and no unsigned, unknown or tampered module") {
  Guest guest("linux_signatures", lab::System::kLinux);
  guest.add_payload("small.ko", kernel_module("small"));
  guest.add_payload("signed.ko", kernel_module("signed"));
  guest.add_payload("binfmt_misc.ko", stock_module("binfmt_misc"));
  guest.add_payload("forged.ko", with_signature_of(kernel_module("small"), stock_module("binfmt_misc")));
  const std::size_t shipped = guest.add("insmod /payloads/binfmt_misc.ko && ls -d /sys/module/binfmt_misc");
  const std::size_t unsigned_one = guest.add("linux-hotpatch load /payloads/small.ko --json");
  const std::size_t unknown = guest.add("linux-hotpatch load /payloads/signed.ko --json");
  const std::size_t forged = guest.add("linux-hotpatch load /payloads/forged.ko --json");
  const std::size_t status = guest.add("linux-hotpatch status --json");
  const std::size_t boot = guest.add("linux-hotpatch boot");
  lab::Options options = default_options(lab::System::kLinux);
  options.kernel_arguments = "module.sig_enforce=1 hotpatch=off";
  guest.run(&options);
  CHECK_MESSAGE(guest.status(shipped) == 0, guest.describe(shipped));
  CHECK_MESSAGE(guest.status(unsigned_one) == 5, guest.describe(unsigned_one));
  CHECK_MESSAGE(guest.status(unknown) == 5, guest.describe(unknown));
  CHECK_MESSAGE(guest.output(unknown).find("the key is not trusted") != std::string::npos, guest.describe(unknown));
  CHECK_MESSAGE(guest.status(forged) == 5, guest.describe(forged));
  CHECK_MESSAGE(guest.output(forged).find("does not fit its content") != std::string::npos, guest.describe(forged));
  CHECK(Json::parse(guest.output(status))["kernel"]["signatures_enforced"] == true);
  CHECK(Json::parse(guest.output(status))["patches"].empty());
  CHECK(guest.status(boot) == 0);
  CHECK(guest.output(boot).find("hotpatch=off is on the kernel's command line") != std::string::npos);
}

}  // namespace
}  // namespace hotpatch::e2e

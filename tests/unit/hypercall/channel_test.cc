// SPDX-License-Identifier: GPL-2.0-or-later
#include "hypercall/channel.h"

#include <cerrno>

#include <doctest/doctest.h>

namespace hotpatch::hypercall {
namespace {

TEST_CASE("a busy hypervisor is told apart from one that refuses") {
  CHECK(hypercall_error("apply x", EBUSY).code() == Errc::kBusy);
  CHECK(hypercall_error("apply x", EAGAIN).code() == Errc::kBusy);
  CHECK(hypercall_error("apply x", EINVAL).code() == Errc::kRefused);
  CHECK(hypercall_error("apply x", EINVAL).os_error() == EINVAL);
}

TEST_CASE("an errno that has one remedy brings it along") {
  CHECK(hypercall_error("x", EPERM).remedy().find("root") != std::string::npos);
  CHECK(hypercall_error("x", EACCES).remedy().find("4.17 to 4.22") != std::string::npos);
  CHECK(hypercall_error("x", ENOSYS).remedy().find("CONFIG_LIVEPATCH") != std::string::npos);
  CHECK(hypercall_error("x", EINVAL).remedy().empty());
}

TEST_CASE("names of up to 127 plain characters are taken, and no others") {
  CHECK(check_name("fix-1.2_xsa"));
  CHECK(check_name(std::string(127, 'x')));
  CHECK_FALSE(check_name(std::string(128, 'x')));
  CHECK_FALSE(check_name(""));
  CHECK_FALSE(check_name("-x"));
  CHECK_FALSE(check_name("a b"));
  CHECK_FALSE(check_name("a/b"));
  CHECK_FALSE(check_name(std::string("a\0b", 3)));
  CHECK_FALSE(check_name("a\x1b[2J"));
}

TEST_CASE("a state that Xen does not define is shown by its number") {
  CHECK(state_name(State::kApplied) == "applied");
  CHECK(state_name(static_cast<State>(7)) == "state 7");
}

}  // namespace
}  // namespace hotpatch::hypercall

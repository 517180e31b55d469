// SPDX-License-Identifier: GPL-2.0-or-later
#include "xen/host/explain.h"

#include <cerrno>
#include <set>

#include <doctest/doctest.h>

namespace hotpatch::xen::host {
namespace {

using hypercall::Action;

/// The message says more than the operation and the errno, and the remedy is one for this errno.
void check_said(const Error& error, std::set<std::string>& remedies) {
  CAPTURE(error.message());
  const std::string bare = error.message().substr(0, error.message().find(':'));
  CHECK(error.message().size() > bare.size() + 30);
  CHECK_FALSE(error.remedy().empty());
  remedies.insert(error.remedy());
}

TEST_CASE("each errno that Xen gives for an upload has its cause and its own remedy") {
  std::set<std::string> remedies;
  const int errors[] = {EINVAL, EFAULT, EEXIST, ENOMEM, ENOENT, EOPNOTSUPP, EOVERFLOW, ENODATA, EBUSY};
  for (const int os_error : errors) check_said(explain_upload("fix", os_error), remedies);
  CHECK(remedies.size() == std::size(errors));
}

TEST_CASE("each errno that Xen gives for an action has its cause and a remedy") {
  std::set<std::string> remedies;
  for (const int os_error : {ENOENT, EINVAL, ERANGE, EFAULT, EBUSY, EOPNOTSUPP, ENOMEM, EIO})
    check_said(explain_action("fix", Action::kApply, os_error, false), remedies);
  for (const int os_error : {ENOENT, EINVAL, EBUSY, EPERM, ENOMEM, EIO})
    check_said(explain_action("fix", Action::kRevert, os_error, false), remedies);
  for (const int os_error : {ENOENT, EINVAL, ERANGE, EBUSY, EOPNOTSUPP})
    check_said(explain_action("fix", Action::kReplace, os_error, false), remedies);
  for (const int os_error : {ENOENT, EINVAL, EBUSY})
    check_said(explain_action("fix", Action::kUnload, os_error, false), remedies);
  check_said(explain_action("fix", Action::kApply, EBUSY, true), remedies);
  CHECK(remedies.size() > 10);
  // An action is only given after GET was answered: this EPERM is a hook's.
  CHECK(explain_action("fix", Action::kRevert, EPERM, false).remedy().find("root") == std::string::npos);
}

TEST_CASE("busy is busy, at the call and at the barrier, and told apart") {
  const Error call = explain_action("fix", Action::kApply, EBUSY, false);
  const Error barrier = explain_action("fix", Action::kApply, EBUSY, true);
  CHECK(call.code() == Errc::kBusy);
  CHECK(barrier.code() == Errc::kBusy);
  CHECK(call.message() != barrier.message());
  CHECK(barrier.remedy().find("--longest-timeout") != std::string::npos);
}

}  // namespace
}  // namespace hotpatch::xen::host

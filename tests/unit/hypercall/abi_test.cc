// SPDX-License-Identifier: GPL-2.0-or-later
//
// What crosses the border to Xen, held against the headers of the release that is installed here.
#include "hypercall/sysctl_abi.h"

#include <cstddef>

#include <doctest/doctest.h>

// The part of Xen's interface that is for tools.
#define __XEN_TOOLS__ 1
#include <xen/sysctl.h>
#include <xen/version.h>

namespace hotpatch::hypercall::abi {
namespace {

#define CHECK_MEMBER(ours, our_member, theirs, their_member)           \
  CHECK(offsetof(ours, our_member) == offsetof(theirs, their_member)); \
  CHECK(sizeof(ours::our_member) == sizeof(((theirs*)nullptr)->their_member))

TEST_CASE("the numbers are Xen's") {
  CHECK(kXenVersion == __HYPERVISOR_xen_version);
  CHECK(kSysctl == __HYPERVISOR_sysctl);
  CHECK(static_cast<unsigned>(Command::kReadConsole) == XEN_SYSCTL_readconsole);
  CHECK(static_cast<unsigned>(Command::kDebugKeys) == XEN_SYSCTL_debug_keys);
  CHECK(static_cast<unsigned>(Command::kLivepatch) == XEN_SYSCTL_livepatch_op);
  CHECK(static_cast<unsigned>(LivepatchCommand::kUpload) == XEN_SYSCTL_LIVEPATCH_UPLOAD);
  CHECK(static_cast<unsigned>(LivepatchCommand::kGet) == XEN_SYSCTL_LIVEPATCH_GET);
  CHECK(static_cast<unsigned>(LivepatchCommand::kList) == XEN_SYSCTL_LIVEPATCH_LIST);
  CHECK(static_cast<unsigned>(LivepatchCommand::kAction) == XEN_SYSCTL_LIVEPATCH_ACTION);
  CHECK(static_cast<unsigned>(Action::kUnload) == LIVEPATCH_ACTION_UNLOAD);
  CHECK(static_cast<unsigned>(Action::kRevert) == LIVEPATCH_ACTION_REVERT);
  CHECK(static_cast<unsigned>(Action::kApply) == LIVEPATCH_ACTION_APPLY);
  CHECK(static_cast<unsigned>(Action::kReplace) == LIVEPATCH_ACTION_REPLACE);
  CHECK(static_cast<unsigned>(State::kChecked) == LIVEPATCH_STATE_CHECKED);
  CHECK(static_cast<unsigned>(State::kApplied) == LIVEPATCH_STATE_APPLIED);
  CHECK(kMaxNameSize == XEN_LIVEPATCH_NAME_SIZE);
  CHECK(static_cast<unsigned>(Version::kNumber) == XENVER_version);
  CHECK(static_cast<unsigned>(Version::kExtra) == XENVER_extraversion);
  CHECK(static_cast<unsigned>(Version::kCompileInfo) == XENVER_compile_info);
  CHECK(static_cast<unsigned>(Version::kChangeset) == XENVER_changeset);
  CHECK(static_cast<unsigned>(Version::kBuildId) == XENVER_build_id);
  CHECK((XEN_SYSCTL_INTERFACE_VERSION == kInterfaces[0] || XEN_SYSCTL_INTERFACE_VERSION == kInterfaces[1]));
}

TEST_CASE("the layouts are Xen's") {
  CHECK(sizeof(Sysctl) == sizeof(xen_sysctl));
  CHECK_MEMBER(Sysctl, command, xen_sysctl, cmd);
  CHECK_MEMBER(Sysctl, interface_version, xen_sysctl, interface_version);
  CHECK(offsetof(Sysctl, livepatch) == offsetof(xen_sysctl, u.livepatch));
  CHECK(offsetof(Sysctl, read_console) == offsetof(xen_sysctl, u.readconsole));
  CHECK(offsetof(Sysctl, debug_keys) == offsetof(xen_sysctl, u.debug_keys));
  CHECK(sizeof(Livepatch) == sizeof(xen_sysctl_livepatch_op));
  CHECK(offsetof(Livepatch, upload) == offsetof(xen_sysctl_livepatch_op, u));
  CHECK(offsetof(Livepatch, flags) == 4);

  CHECK_MEMBER(ReadConsole, clear, xen_sysctl_readconsole, clear);
  CHECK_MEMBER(ReadConsole, incremental, xen_sysctl_readconsole, incremental);
  CHECK_MEMBER(ReadConsole, index, xen_sysctl_readconsole, index);
  CHECK_MEMBER(ReadConsole, buffer, xen_sysctl_readconsole, buffer);
  CHECK_MEMBER(ReadConsole, count, xen_sysctl_readconsole, count);
  CHECK_MEMBER(DebugKeys, keys, xen_sysctl_debug_keys, keys);
  CHECK_MEMBER(DebugKeys, count, xen_sysctl_debug_keys, nr_keys);

  CHECK(sizeof(Name) == sizeof(xen_livepatch_name));
  CHECK_MEMBER(Name, text, xen_livepatch_name, name);
  CHECK_MEMBER(Name, size, xen_livepatch_name, size);
  CHECK_MEMBER(Upload, size, xen_sysctl_livepatch_upload, size);
  CHECK_MEMBER(Upload, payload, xen_sysctl_livepatch_upload, payload);
  CHECK_MEMBER(Get, status, xen_sysctl_livepatch_get, status);
  CHECK_MEMBER(Status, rc, xen_livepatch_status, rc);
  CHECK(sizeof(Status) == sizeof(xen_livepatch_status));
  CHECK_MEMBER(List, version, xen_sysctl_livepatch_list, version);
  CHECK_MEMBER(List, index, xen_sysctl_livepatch_list, idx);
  CHECK_MEMBER(List, count, xen_sysctl_livepatch_list, nr);
  CHECK_MEMBER(List, names, xen_sysctl_livepatch_list, name_total_size);
  CHECK_MEMBER(List, metadata, xen_sysctl_livepatch_list, metadata_total_size);
  CHECK_MEMBER(List, status_buffer, xen_sysctl_livepatch_list, status);
  CHECK_MEMBER(List, name_buffer, xen_sysctl_livepatch_list, name);
  CHECK_MEMBER(List, name_size_buffer, xen_sysctl_livepatch_list, len);
  CHECK_MEMBER(List, metadata_buffer, xen_sysctl_livepatch_list, metadata);
  CHECK_MEMBER(List, metadata_size_buffer, xen_sysctl_livepatch_list, metadata_len);
  CHECK_MEMBER(ActionRequest, action, xen_sysctl_livepatch_action, cmd);
  CHECK_MEMBER(ActionRequest, timeout_ns, xen_sysctl_livepatch_action, timeout);
  CHECK_MEMBER(ActionRequest, flags, xen_sysctl_livepatch_action, flags);

  CHECK_MEMBER(CompileInfo, date, xen_compile_info, compile_date);
  CHECK(sizeof(CompileInfo) == sizeof(xen_compile_info));
  CHECK(sizeof(ExtraVersion) == sizeof(xen_extraversion_t));
  CHECK(sizeof(Changeset) == sizeof(xen_changeset_info_t));
  CHECK(offsetof(BuildIdQuery, bytes) == offsetof(xen_build_id, buf));
}

}  // namespace
}  // namespace hotpatch::hypercall::abi

// SPDX-License-Identifier: GPL-2.0-or-later
#include <iostream>
#include <memory>
#include <optional>

#include "common/host/boot.h"
#include "hypercall/open_xen.h"
#include "programs/xen-hotpatch/arguments.h"
#include "programs/xen-hotpatch/document.h"
#include "programs/xen-hotpatch/text.h"
#include "xen/host/operations.h"
#include "xen/host/plan.h"
#include "xen/host/survey.h"

namespace hotpatch::cli {
namespace {

using xen::host::Operation;
using xen::host::Outcome;
using xen::host::Session;

using Payload = std::optional<xen::host::CheckedPayload>;

Operation operation_of(const std::string& command) {
  if (command == "upload") return Operation::kUpload;
  if (command == "load") return Operation::kLoad;
  if (command == "upgrade") return Operation::kUpgrade;
  if (command == "apply") return Operation::kApply;
  if (command == "revert") return Operation::kRevert;
  if (command == "replace") return Operation::kReplace;
  HP_CHECK(command == "unload", "an unknown command");
  return Operation::kUnload;
}

Result<Outcome> change(Session& session, const HostArguments& arguments, const Payload& payload) {
  switch (operation_of(arguments.command)) {
    case Operation::kUpload: return xen::host::upload(session, arguments.name, *payload);
    case Operation::kLoad: return xen::host::load(session, arguments.name, *payload);
    case Operation::kUpgrade: return xen::host::upgrade(session, arguments.name, *payload, arguments.others);
    case Operation::kApply: return xen::host::apply(session, arguments.name);
    case Operation::kRevert:
      return xen::host::revert(session, arguments.name, {.above = arguments.above, .others = arguments.others});
    case Operation::kReplace:
      return xen::host::replace(session, arguments.name,
                                {.unload_reverted = arguments.unload_reverted, .others = arguments.others});
    case Operation::kUnload: return xen::host::unload(session, arguments.name);
  }
  HP_UNREACHABLE();
}

/// Takes no lock and changes nothing: what it says may be different a moment later.
ExitCode show_plan(const HostArguments& arguments, hypercall::Channel& channel, const std::string& boot, const Payload& payload) {
  const Result<xen::host::HostView> view = xen::host::survey(channel, arguments.state_dir, boot);
  if (!view) return fail_with(arguments, view.error());
  const xen::host::Plan plan = xen::host::make_plan(*view, arguments.state_dir,
                                                    {.operation = operation_of(arguments.command),
                                                     .name = arguments.name,
                                                     .payload = payload ? &*payload : nullptr,
                                                     .above = arguments.above,
                                                     .others = arguments.others,
                                                     .unload_reverted = arguments.unload_reverted});
  print_warnings(view->warnings);
  if (arguments.json) {
    Json document = plan_document(arguments.command, arguments.name, plan);
    add_warnings(document, view->warnings);
    print_document(document);
  } else {
    print_plan(std::cout, plan);
  }
  return plan.objections.empty() ? ExitCode::kDone : exit_code(plan.objections.front().error.code());
}

ExitCode carry_out(const HostArguments& arguments, hypercall::Channel& channel, const std::string& boot, const Payload& payload) {
  SystemClock clock;
  const Result<std::unique_ptr<Session>> session = Session::open(channel, clock, config_of(arguments, boot), arguments.name);
  if (!session) return fail_with(arguments, session.error());
  const Result<Outcome> outcome = change(**session, arguments, payload);
  if (payload && payload->has_unchecked_signature) {
    (*session)->warnings().push_back("its signature was not checked: " + arguments.trusted +
                                     " does not exist, so this host trusts anybody");
  }
  if (!outcome)
    return fail_with(arguments, outcome.error(), xen::host::state_now(channel, clock, arguments.name), (*session)->warnings());
  print_warnings((*session)->warnings());
  if (arguments.json) {
    Json document = outcome_document(arguments.command, *outcome);
    if (payload && !payload->signed_by.empty()) document["signed_by"] = payload->signed_by;
    add_warnings(document, (*session)->warnings());
    print_document(document);
  } else {
    print_outcome(std::cout, arguments.command, *outcome);
    if (payload && !payload->signed_by.empty()) std::cout << "signed by " << printable(payload->signed_by) << '\n';
  }
  return ExitCode::kDone;
}

}  // namespace

ExitCode run_change(const HostArguments& given) {
  HostArguments arguments = given;
  Payload payload;
  if (!arguments.file.empty()) {  // before anything else is touched
    Result<xen::host::CheckedPayload> checked =
        xen::host::read_trusted_payload(arguments.file, arguments.signature, policy_of(arguments));
    if (!checked) return fail_with(arguments, checked.error());
    payload = *std::move(checked);
    if (arguments.name.empty()) arguments.name = payload->info.name;
    if (const Result<> taken = xen::host::admit(arguments.name, payload->info, arguments.worst_class); !taken)
      return fail_with(arguments, taken.error());
  }
  if (const Result<> named = hypercall::check_name(arguments.name); !named) {
    Error error = named.error();
    const bool takes_name = arguments.command == "load" || arguments.command == "upgrade";
    return fail_with(arguments, takes_name ? std::move(error).with_remedy("choose one with --name") : error);
  }
  const Result<std::string> boot = this_boot();
  if (!boot) return fail_with(arguments, boot.error());
  const Result<std::unique_ptr<hypercall::Channel>> channel = hypercall::open_xen();
  if (!channel) return fail_with(arguments, channel.error());
  return arguments.dry_run ? show_plan(arguments, **channel, *boot, payload) : carry_out(arguments, **channel, *boot, payload);
}

}  // namespace hotpatch::cli

// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <iostream>
#include <memory>

#include "common/host/boot.h"
#include "hypercall/open_xen.h"
#include "programs/xen-hotpatch/arguments.h"
#include "programs/xen-hotpatch/document.h"
#include "programs/xen-hotpatch/text.h"
#include "xen/host/restore.h"

namespace hotpatch::cli {
namespace {

using xen::host::Outcome;
using xen::host::Restoration;
using xen::host::Restored;
using xen::host::Session;

/// Opens what a change needs, and runs `step` with it.
ExitCode with_session(const HostArguments& arguments, const std::string& subject,
                      const std::function<ExitCode(Session& session)>& step) {
  const Result<std::string> boot = this_boot();
  if (!boot) return fail_with(arguments, boot.error());
  const Result<std::unique_ptr<hypercall::Channel>> channel = hypercall::open_xen();
  if (!channel) return fail_with(arguments, channel.error());
  SystemClock clock;
  const Result<std::unique_ptr<Session>> session = Session::open(**channel, clock, config_of(arguments, *boot), subject);
  return session ? step(**session) : fail_with(arguments, session.error());
}

/// 1 if something that should be there is not.
ExitCode judge(const std::vector<Restored>& all) {
  const bool bad = std::ranges::any_of(all, [](const Restored& one) {
    return one.restoration == Restoration::kFailed || one.restoration == Restoration::kSetAside;
  });
  return bad ? ExitCode::kError : ExitCode::kDone;
}

}  // namespace

ExitCode run_accept(const HostArguments& arguments) {
  return with_session(arguments, arguments.name, [&](Session& session) {
    const Result<Outcome> outcome =
        arguments.command == "accept" ? xen::host::accept(session, arguments.name) : xen::host::forget(session, arguments.name);
    if (!outcome) return fail_with(arguments, outcome.error(), {}, session.warnings());
    print_warnings(session.warnings());
    if (arguments.json) {
      Json document = outcome_document(arguments.command, *outcome);
      add_warnings(document, session.warnings());
      print_document(document);
    } else {
      print_outcome(std::cout, arguments.command, *outcome);
    }
    return ExitCode::kDone;
  });
}

ExitCode run_restore(const HostArguments& arguments) {
  if (const auto off = xen::host::switched_off({})) {
    if (arguments.json)
      print_document(restore_document({}, *off));
    else
      std::cout << "nothing is restored: " << *off << '\n';
    return ExitCode::kDone;
  }
  return with_session(arguments, "what is accepted", [&](Session& session) {
    const Result<std::vector<Restored>> all = xen::host::restore(session, Milliseconds(arguments.watch_ms));
    if (!all) return fail_with(arguments, all.error(), {}, session.warnings());
    print_warnings(session.warnings());
    if (arguments.json) {
      Json document = restore_document(*all, {});
      add_warnings(document, session.warnings());
      print_document(document);
    } else {
      print_restored(std::cout, *all);
    }
    return judge(*all);
  });
}

}  // namespace hotpatch::cli

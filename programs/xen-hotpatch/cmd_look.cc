// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <iostream>
#include <memory>

#include "common/host/boot.h"
#include "common/support/file.h"
#include "hypercall/open_xen.h"
#include "programs/xen-hotpatch/arguments.h"
#include "programs/xen-hotpatch/document.h"
#include "programs/xen-hotpatch/text.h"
#include "xen/host/store.h"

namespace hotpatch::cli {
namespace {

using xen::host::HostView;
using xen::host::PayloadView;

Result<HostView> look(const HostArguments& arguments, hypercall::Channel& channel) {
  HP_ASSIGN(const std::string boot, this_boot());
  return xen::host::survey(channel, arguments.state_dir, boot);
}

/// The payload as it lies in Xen, from its kept copy.
Result<xen::LiveImage> live_image_of(const HostArguments& arguments, const PayloadView& payload) {
  if (!payload.remembered || payload.remembered->build_id.empty())
    return fail(Errc::kNotFound, "this program did not upload it since the host booted, and Xen gives no code back");
  if (!payload.metadata.load_address) return fail(Errc::kNotFound, "its metadata do not tell where it lies");
  HP_ASSIGN(const xen::host::CheckedPayload copy,
            xen::host::kept_payload(arguments.state_dir, payload.remembered->build_id, payload.remembered->digest));
  HP_ASSIGN(const elf::Object object, elf::parse_object(Bytes(copy.file), payload.name));
  return xen::live_image(object, TargetAddr(*payload.metadata.load_address));
}

/// What `show` found out, besides the view.
Result<Shown> find_out(const HostArguments& arguments, hypercall::Channel& channel, const PayloadView& payload) {
  Shown shown;
  Result<xen::LiveImage> live = live_image_of(arguments, payload);
  const bool is_needed = arguments.compare || !arguments.symbols.empty();
  if (!live && is_needed) return tl::unexpected(std::move(live).error().while_doing("the bytes of " + payload.name));
  if (live)
    shown.live = *std::move(live);
  else
    shown.why_no_bytes = live.error().message();
  if (arguments.compare) {
    HP_ASSIGN(const std::string console, channel.dump());
    HP_ASSIGN(shown.comparisons, xen::host::compare(payload, *shown.live, xen::host::parse_dump(console)));
  }
  if (!arguments.symbols.empty()) {
    HP_ASSIGN(const Bytes file, xen::symbol_file(*shown.live));
    HP_TRY(write_file(arguments.symbols, file));
  }
  return shown;
}

}  // namespace

ExitCode run_look(const HostArguments& arguments) {
  const Result<std::unique_ptr<hypercall::Channel>> channel = hypercall::open_xen();
  if (!channel) return fail_with(arguments, channel.error());
  const Result<HostView> view = look(arguments, **channel);
  if (!view) return fail_with(arguments, view.error());
  print_warnings(view->warnings);
  if (arguments.json) {
    Json document = arguments.command == "list" ? list_document(*view) : status_document(*view);
    add_warnings(document, view->warnings);
    print_document(document);
  } else if (arguments.command == "list") {
    print_list(std::cout, *view);
  } else {
    print_status(std::cout, *view);
  }
  return ExitCode::kDone;
}

ExitCode run_show(const HostArguments& arguments) {
  const Result<std::unique_ptr<hypercall::Channel>> channel = hypercall::open_xen();
  if (!channel) return fail_with(arguments, channel.error());
  const Result<HostView> view = look(arguments, **channel);
  if (!view) return fail_with(arguments, view.error());
  const auto payload = std::ranges::find(view->payloads, arguments.name, &PayloadView::name);
  if (payload == view->payloads.end()) {
    return fail_with(arguments,
                     Error(Errc::kNotFound, "there is no payload " + arguments.name + " in the hypervisor")
                         .with_remedy("xen-hotpatch list shows the payloads"),
                     "absent", view->warnings);
  }
  const Result<Shown> shown = find_out(arguments, **channel, *payload);
  if (!shown) return fail_with(arguments, shown.error(), hypercall::state_name(payload->status.state), view->warnings);
  print_warnings(view->warnings);
  if (arguments.json) {
    Json document = show_document(*view, *payload, *shown);
    add_warnings(document, view->warnings);
    print_document(document);
  } else {
    print_show(std::cout, *view, *payload, *shown);
  }
  const bool all_agree = std::ranges::all_of(shown->comparisons, &xen::host::Comparison::agrees);
  return all_agree ? ExitCode::kDone : ExitCode::kError;
}

ExitCode run_history(const HostArguments& arguments) {
  return show_history(kProgram, arguments, xen::host::read_journal(arguments.state_dir), history_document, print_history);
}

}  // namespace hotpatch::cli

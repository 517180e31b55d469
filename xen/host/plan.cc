// SPDX-License-Identifier: GPL-2.0-or-later
#include "xen/host/plan.h"

#include <algorithm>
#include <optional>

#include "common/support/text.h"
#include "xen/host/store.h"

namespace hotpatch::xen::host {
namespace {

const PayloadView* find(const HostView& view, const std::string& name) noexcept {
  const auto found = std::ranges::find(view.payloads, name, &PayloadView::name);
  return found == view.payloads.end() ? nullptr : &*found;
}

bool is_applied(const PayloadView& payload) noexcept { return payload.status.state == hypercall::State::kApplied; }

/// The kept copy of a payload that Xen has.
std::optional<CheckedPayload> copy_of(const PayloadView& payload, const std::filesystem::path& state_dir) {
  if (!payload.remembered || payload.remembered->build_id.empty()) return std::nullopt;
  Result<CheckedPayload> kept = kept_payload(state_dir, payload.remembered->build_id, payload.remembered->digest);
  return kept ? std::optional(*std::move(kept)) : std::nullopt;
}

/// Both expect the same at an address, as far as both say something about it.
bool expect_the_same(const Bytes& one, const Bytes& other) {
  const auto count = static_cast<std::ptrdiff_t>(std::min(one.size(), other.size()));
  return std::equal(one.begin(), one.begin() + count, other.begin());
}

Manifest::Function function_of(const std::string& name, std::uint64_t old_addr) { return {.key = hex(old_addr), .name = name}; }

class Planner {
 public:
  Planner(const HostView& view, const std::filesystem::path& state_dir, const Request& request)
      : view_(view), state_dir_(state_dir), request_(request), loaded_(find(view, request.name)) {}

  Plan run() && {
    switch (request_.operation) {
      case Operation::kUpload: upload(); break;
      case Operation::kApply: apply(); break;
      case Operation::kLoad:
        upload();
        apply();
        break;
      case Operation::kRevert: revert(); break;
      case Operation::kReplace: replace(request_.unload_reverted); break;
      case Operation::kUpgrade:
        upload();
        replace(true);
        break;
      case Operation::kUnload: unload(); break;
    }
    return std::move(plan_);
  }

 private:
  void step(std::string what) { plan_.steps.push_back(std::move(what)); }
  void object(Error error, bool by_xen) { plan_.objections.push_back({.error = std::move(error), .by_xen = by_xen}); }
  [[nodiscard]] const std::string& name() const noexcept { return request_.name; }
  [[nodiscard]] bool brings_file() const noexcept { return request_.payload != nullptr; }

  void upload() {
    const CheckedPayload& payload = *request_.payload;
    if (payload.info.xen_depends != view_.build_id) {
      object(Error(Errc::kTrust, "it is for the hypervisor " + payload.info.xen_depends.text() + ", but " +
                                     view_.build_id.text() + " is running"),
             false);
    }
    if (loaded_ != nullptr) {
      const bool same = loaded_->remembered && loaded_->remembered->build_id == payload.info.build_id.text();
      if (!same) {
        object(Error(Errc::kInvalid, "the name " + name() + " is taken by a payload that is not known to be this one")
                   .with_remedy("unload that payload first, or choose another name"),
               false);
      }
      return;
    }
    step("upload " + name() + " (" + std::to_string(payload.info.layout.pages) + " pages)");
    step("link it for the address that Xen chose, and upload the image in its place");
  }

  void apply() {
    if (loaded_ != nullptr && is_applied(*loaded_)) return;
    if (loaded_ == nullptr && !brings_file()) return absent();
    check_base();
    check_manifest(false);
    step("apply " + name() + " on top of " + (view_.stack.names.empty() ? "Xen" : view_.stack.names.back()) + ", at the barrier");
  }

  void absent() {
    object(Error(Errc::kNotFound, "there is no payload " + name() + " in the hypervisor")
               .with_remedy("xen-hotpatch list shows the payloads, xen-hotpatch load FILE brings one in"),
           true);
  }

  [[nodiscard]] std::string base_wanted() const {
    if (brings_file()) return request_.payload->info.depends.text();
    return loaded_->remembered ? loaded_->remembered->depends : std::string();
  }

  void check_base() {
    const std::string wanted = base_wanted();
    if (wanted.empty() || !view_.stack.order_known) return;
    std::string there = view_.build_id.text();
    std::string what = "nothing is";
    if (!view_.stack.names.empty()) {
      const PayloadView* top = find(view_, view_.stack.names.back());
      if (top == nullptr || !top->remembered || top->remembered->build_id.empty()) return;
      there = top->remembered->build_id;
      what = top->name + " was the last one";
    }
    if (there != wanted)
      object(Error(Errc::kRefused, name() + " goes on top of the build ID " + wanted + ", but " + what + " applied"), true);
  }

  /// Of what Xen has: its metadata, and the functions that the journal remembers.
  static Manifest manifest_of_loaded(const PayloadView& payload) {
    Manifest manifest = read_manifest(payload.metadata.entries, "").value_or(Manifest());
    if (payload.remembered)
      for (const JournalFunction& function : payload.remembered->functions)
        manifest.functions.push_back(function_of(function.name, function.old_addr));
    return manifest;
  }

  void check_manifest(bool replaces) {
    const Result<Manifest> own =
        brings_file() ? manifest_of(request_.payload->info) : Result<Manifest>(manifest_of_loaded(*loaded_));
    if (!own) return object(own.error(), false);
    std::vector<InstalledPatch> others;
    for (const std::string& applied : view_.stack.names) {
      const PayloadView& payload = *find(view_, applied);
      const Manifest theirs = manifest_of_loaded(payload);
      // Said by the operator: payloads of others are taken out as well.
      const bool is_given_up = replaces && request_.others && theirs.vendor != own->vendor;
      if (!is_given_up) others.push_back({.name = applied, .manifest = theirs, .goes = replaces});
    }
    if (const Result<> fits = check_arrival(name(), *own, others); !fits) object(fits.error(), false);
  }

  void check_leaving() {
    std::vector<InstalledPatch> others;
    for (const std::string& applied : view_.stack.names)
      if (applied != name())
        others.push_back({.name = applied, .manifest = manifest_of_loaded(*find(view_, applied)), .goes = false});
    if (const Result<> may_go = check_departure(name(), manifest_of_loaded(*loaded_), others); !may_go && !request_.above)
      object(may_go.error(), false);
  }

  void revert() {
    if (loaded_ == nullptr) return absent();
    if (!is_applied(*loaded_)) return;
    check_leaving();
    const auto own = std::ranges::find(view_.stack.names, name());
    const std::vector<std::string> above(own + 1, view_.stack.names.end());
    if (!above.empty() && !view_.stack.order_known && request_.above) {
      object(Error(Errc::kRefused, "the order in which " + joined(view_.stack.names) + " were applied is not known")
                 .with_remedy("revert them one by one: Xen takes only the last one"),
             false);
      return;
    }
    if (!above.empty() && !request_.above && view_.stack.order_known) {
      object(Error(Errc::kRefused, "applied on top of " + name() + ": " + joined(above))
                 .with_remedy("revert what is on top first, or say --above"),
             true);
    }
    if (request_.above) {
      for (auto other = above.rbegin(); other != above.rend(); ++other) {
        if (!is_ours(*find(view_, *other)) && !request_.others) foreign({*other}, "revert");
        step("revert " + *other + ", at the barrier");
      }
    }
    step("revert " + name() + ", at the barrier");
  }

  void foreign(const std::vector<std::string>& names, const char* doing) {
    object(Error(Errc::kRejected, "this would " + std::string(doing) + " what another tool has applied: " + joined(names))
               .with_remedy("take it out with the tool that brought it in, or say --others"),
           false);
  }

  void replace(bool unload_reverted) {
    if (loaded_ != nullptr && is_applied(*loaded_)) return;
    if (loaded_ == nullptr && !brings_file()) return absent();
    std::vector<std::string> strangers;
    std::vector<std::string> vetoing;
    for (const std::string& applied : view_.stack.names) {
      const PayloadView& payload = *find(view_, applied);
      if (!is_ours(payload)) strangers.push_back(applied);
      const auto copy = copy_of(payload, state_dir_);
      if (copy && !copy->info.replaceable) vetoing.push_back(applied);
    }
    if (!strangers.empty() && !request_.others) foreign(strangers, "revert");
    const std::optional<CheckedPayload> own = brings_file() ? std::optional(*request_.payload) : copy_of(*loaded_, state_dir_);
    if (own && !own->info.replaceable) vetoing.push_back(name());
    if (!vetoing.empty()) {
      object(Error(Errc::kRefused, "these have a hook that runs before or after an action: " + joined(vetoing))
                 .with_remedy("such payloads are reverted and applied one by one"),
             true);
    }
    if (own) check_after_replacement(*own);
    check_manifest(true);
    std::string reverted;
    if (!view_.stack.names.empty()) reverted = "revert " + joined(view_.stack.names) + " and ";
    step(reverted + "apply " + name() + ", at one barrier");
    if (!unload_reverted) return;
    for (auto other = view_.stack.names.rbegin(); other != view_.stack.names.rend(); ++other)
      step((stays_loaded(find(view_, *other)->metadata) ? "leave loaded " : "unload ") + *other);
  }

  void check_after_replacement(const CheckedPayload& payload) {
    if (payload.info.depends != view_.build_id) {
      object(Error(Errc::kRefused, name() + " does not go directly onto the hypervisor, but a replacement puts it there")
                 .with_remedy("build it without --depends"),
             true);
    }
    for (const std::string& applied : view_.stack.names) {
      const auto theirs = copy_of(*find(view_, applied), state_dir_);
      if (!theirs || theirs->info.depends != view_.build_id) continue;  // the bytes that it found may have been another payload's
      for (const PayloadFunction& found : theirs->info.functions) {
        for (const PayloadFunction& wanted : payload.info.functions) {
          const bool compared =
              found.expect && wanted.expect && found.old_addr == wanted.old_addr && wanted.old_addr != TargetAddr();
          if (!compared || expect_the_same(*found.expect, *wanted.expect)) continue;
          object(Error(Errc::kRejected, name() + " expects other bytes in " + wanted.name + " than " + applied +
                                            " found there: a replacement would leave the host without any patch")
                     .with_remedy("build it for the base of the running hypervisor"),
                 false);
        }
      }
    }
  }

  void unload() {
    if (loaded_ == nullptr) return;
    if (is_applied(*loaded_)) {
      object(Error(Errc::kRefused, "payload " + name() + " is applied, and only what is not applied can be unloaded")
                 .with_remedy("xen-hotpatch revert " + name()),
             true);
    }
    if (stays_loaded(loaded_->metadata) && (!loaded_->remembered || loaded_->remembered->was_applied)) {
      object(Error(Errc::kRejected,
                   "payload " + name() + " must never be unloaded: pointers to what it brought may be stored anywhere")
                 .with_remedy("leave it reverted; the next boot is without it"),
             false);
    }
    const std::vector<std::string> users = applied_dependents(view_, *loaded_);
    if (!users.empty()) {
      object(Error(Errc::kRejected,
                   "applied payloads were made to go on top of " + name() + ", and may use its code: " + joined(users))
                 .with_remedy("revert them first"),
             false);
    }
    step("unload " + name());
  }

  const HostView& view_;
  const std::filesystem::path& state_dir_;
  const Request& request_;
  const PayloadView* loaded_;
  Plan plan_;
};

}  // namespace

Plan make_plan(const HostView& view, const std::filesystem::path& state_dir, const Request& request) {
  const bool brings = request.operation == Operation::kUpload || request.operation == Operation::kLoad ||
                      request.operation == Operation::kUpgrade;
  HP_CHECK(brings == (request.payload != nullptr), "a payload for what uploads one, and for nothing else");
  return Planner(view, state_dir, request).run();
}

Result<> check_rules(const Plan& plan) {
  std::optional<Error> all;
  for (const Objection& objection : plan.objections) {
    if (objection.by_xen) continue;
    if (!all)
      all = objection.error;
    else
      all = Error(all->code(), all->message() + "; " + objection.error.message()).with_remedy(all->remedy());
  }
  if (all) return tl::unexpected(*std::move(all));
  return {};
}

Result<Manifest> manifest_of(const PayloadInfo& payload) {
  HP_ASSIGN_DOING(payload.name, Manifest manifest, read_manifest(payload.metadata.entries, ""));
  for (const PayloadFunction& function : payload.functions)
    manifest.functions.push_back(function_of(function.name, function.old_addr.value()));
  return manifest;
}

Result<> admit(const std::string& name, const PayloadInfo& payload, const std::string& worst_class) {
  // At Xen's barrier no processor runs anything else, and whoever was in the hypervisor has left it (docs/misc/livepatch.pandoc).
  constexpr Consistency kProvided = {.leave = Leave::kKernel, .at_once = Switch::kKernel};
  HP_ASSIGN(const Manifest manifest, manifest_of(payload));
  return check_admission(name, manifest, {.provided = kProvided, .worst = worst_class});
}

Manifest manifest_of(const Remembered& payload) {
  Manifest manifest = manifest_of_lines(payload.manifest, "");
  for (const JournalFunction& function : payload.functions)
    manifest.functions.push_back(function_of(function.name, function.old_addr));
  return manifest;
}

bool stays_loaded(const Metadata& metadata) { return metadata.find("unload") == "never"; }

bool is_ours(const PayloadView& payload) noexcept { return payload.remembered && !payload.remembered->uploaded_at.empty(); }

std::vector<std::string> applied_dependents(const HostView& view, const PayloadView& payload) {
  std::vector<std::string> names;
  if (!payload.remembered || payload.remembered->build_id.empty()) return names;
  for (const PayloadView& other : view.payloads) {
    if (is_applied(other) && other.remembered && other.remembered->depends == payload.remembered->build_id)
      names.push_back(other.name);
  }
  return names;
}

std::string base_of(const HostView& view, const PayloadView& payload) {
  if (!payload.remembered || payload.remembered->depends.empty()) return {};
  const std::string& wanted = payload.remembered->depends;
  if (wanted == view.build_id.text()) return "Xen";
  for (const PayloadView& other : view.payloads) {
    if (other.remembered && other.remembered->build_id == wanted) return other.name;
  }
  return wanted;
}

}  // namespace hotpatch::xen::host

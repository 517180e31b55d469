// SPDX-License-Identifier: GPL-2.0-or-later
#include "linux/host/stack.h"

#include <algorithm>

#include "common/support/text.h"
#include "linux/host/probes.h"
#include "linux/host/survey.h"
#include "linux/host/transition.h"
#include "linux/payload/module_info.h"

namespace hotpatch::kernel::host {
namespace {

std::vector<Manifest::Function> functions_of(const std::vector<std::string>& texts) {
  std::vector<Manifest::Function> functions;
  for (const std::string& text : texts) functions.push_back({.key = text, .name = text});
  return functions;
}

/// As the journal has it; without, the kernel says at least which functions it patches.
Manifest manifest_of(Session& session, const std::string& name) {
  Manifest manifest;
  if (const Remembered* known = session.memory().find(name)) {
    manifest = manifest_of_lines(known->load.manifest, kManifestPrefix);
  }
  manifest.functions = functions_of(patched_functions(session.kernel(), name));
  return manifest;
}

std::vector<InstalledPatch> installed(Session& session, const std::string& but) {
  std::vector<InstalledPatch> patches;
  for (const std::string& name : session.kernel().list(kLivepatchDirectory))
    if (name != but && state_of(session.kernel(), name) == PatchState::kApplied)
      patches.push_back({.name = name, .manifest = manifest_of(session, name), .goes = false});
  return patches;
}

bool share_a_function(const Manifest& one, const Manifest& other) {
  return std::ranges::any_of(one.functions, [&](const Manifest::Function& function) {
    return std::ranges::any_of(other.functions, [&](const Manifest::Function& theirs) { return theirs.key == function.key; });
  });
}

}  // namespace

Result<Manifest> manifest_of(const CheckedModule& module) {
  HP_ASSIGN(Manifest manifest, read_manifest(module.info.entries, kManifestPrefix));
  manifest.functions = functions_of(module.functions);
  return manifest;
}

Result<> admit(const CheckedModule& module, const std::string& worst_class) {
  const bool is_switched_at_once = module.info.value(payload::kConsistencyKey) == payload::kKernelConsistency;
  const Consistency provided = {.leave = Leave::kChangedSet, .at_once = is_switched_at_once ? Switch::kKernel : Switch::kThread};
  HP_ASSIGN(const Manifest manifest, manifest_of(module));
  return check_admission(module.info.name(), manifest, {.provided = provided, .worst = worst_class});
}

Result<> check_load(Session& session, const CheckedModule& module) {
  HP_ASSIGN(const Manifest manifest, manifest_of(module));
  std::vector<InstalledPatch> others = installed(session, module.info.name());
  std::vector<std::string> patched;
  for (InstalledPatch& other : others) {
    other.goes = manifest.replaces_all;
    for (const Manifest::Function& function : other.manifest.functions) patched.push_back(function.key);
  }
  HP_TRY(check_arrival(module.info.name(), manifest, others));
  const ProbeReport probes = find_probes(session.kernel(), module.functions, patched);
  if (!probes.refusals.empty())
    return fail(Error(Errc::kBusy, "the kernel would refuse the patch: " + joined(probes.refusals, "; "))
                    .with_remedy("end that tracer, or remove that probe, and try again"));
  session.warnings().insert(session.warnings().end(), probes.warnings.begin(), probes.warnings.end());
  return {};
}

bool stays_loaded(const Session& session, const std::string& name) {
  const Remembered* known = session.memory().find(name);
  return known != nullptr && std::ranges::find(known->load.manifest, "hotpatch_unload=never") != known->load.manifest.end();
}

Result<> check_unload(Session& session, const std::string& name) {
  if (stays_loaded(session, name) && state_of(session.kernel(), name) != PatchState::kApplied)
    return fail(Error(Errc::kRejected, "the module " + name +
                                           " is out of effect, and must never be unloaded: pointers to what it brought may be "
                                           "stored anywhere")
                    .with_remedy("the next boot is without it"));
  const Manifest manifest = manifest_of(session, name);
  const std::vector<InstalledPatch> others = installed(session, name);
  HP_TRY(check_departure(name, manifest, others));
  const std::vector<Remembered>& order = session.memory().patches;
  const auto place_of = [&](const std::string& wanted) {
    return std::ranges::find_if(order, [&](const Remembered& one) { return one.load.name == wanted; });
  };
  std::vector<std::string> above;
  for (const InstalledPatch& other : others) {
    const bool is_known = place_of(other.name) != order.end() && place_of(name) != order.end();
    if (is_known ? place_of(other.name) > place_of(name) : share_a_function(manifest, other.manifest))
      above.push_back(other.name);
  }
  if (above.empty()) return {};
  return fail(Error(Errc::kRejected, name + " is not the last patch that came: " + joined(above) +
                                         " came after it, or may have, and was made for a kernel that has it")
                  .with_remedy("unload " + joined(above) + " first"));
}

}  // namespace hotpatch::kernel::host

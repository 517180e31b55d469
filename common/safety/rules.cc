// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/safety/rules.h"

#include <algorithm>
#include <array>

namespace hotpatch::safety {
namespace {

constexpr auto kObjectRules = std::to_array<Rule>({
    {"HP048-new-state", Answer::kWarn, "the patch brings state of its own", find_new_state},
    {"HP016-once", Answer::kInfo, "what appears once appears once more", find_once_flags},
    {"HP024-prototype", Answer::kModel, "a function is called in another way", find_prototype_changes},
    {"HP026-endless", Answer::kReject, "a function that is never left", find_endless_functions},
    {"HP059-stack", Answer::kWarn, "a function takes much more of the stack", find_larger_frames},
    {"HP056-inner-label", Answer::kReject, "a symbol or an address lies where the jump is written", find_inner_labels},
    {"HP057-entry-target", Answer::kReject, "a branch leads to where the jump is written", find_entry_targets},
    {"HP036-patching-path", Answer::kReject, "code that runs while the target patches itself", find_patching_path},
    {"HP041-new-function-pointer", Answer::kWarn, "the address of a function that only the patch has",
     find_new_function_pointers},
    {"HP054-removed", Answer::kInfo, "a function is gone", find_removed_functions},
    {"HP051-reaches-boot-only", Answer::kReject, "code that runs now uses what exists at boot only", find_boot_only_references},
    {"HP05A-only-at-boot", Answer::kReject, "a function that nothing calls after boot", find_functions_of_the_boot},
    {"HP062-new-key", Answer::kReject, "a record that code is rewritten by refers to a key of the patch", find_new_keys},
    {"HP081-hook-calls", Answer::kReject, "a hook calls a patched function", find_called_patched_code},
});

Severity severity_of(Answer answer) noexcept {
  switch (answer) {
    case Answer::kReject:
    case Answer::kNeedsHook: return Severity::kError;
    case Answer::kModel:
    case Answer::kWarn: return Severity::kWarning;
    case Answer::kInfo: return Severity::kNote;
  }
  return Severity::kError;
}

}  // namespace

const char* answer_name(Answer answer) noexcept {
  switch (answer) {
    case Answer::kReject: return "reject";
    case Answer::kNeedsHook: return "needs-hook";
    case Answer::kModel: return "model";
    case Answer::kWarn: return "warn";
    case Answer::kInfo: return "info";
  }
  return "reject";
}

std::span<const Rule> object_rules() noexcept { return kObjectRules; }

target::Consistency stronger(target::Consistency left, target::Consistency right) noexcept {
  return {std::max(left.leave, right.leave), std::max(left.at_once, right.at_once)};
}

Severity model_severity(target::Consistency need, target::Consistency provided) noexcept {
  if (!provided.covers(need)) return Severity::kError;
  const target::Consistency strongest{target::Leave::kKernel, target::Switch::kKernel};
  return provided == strongest ? Severity::kNote : Severity::kWarning;
}

std::vector<Subject::Spliced> Subject::spliced() const {
  std::vector<Spliced> product;
  for (std::size_t i = 0; i < patched.entities().size(); ++i) {
    const diff::EntityIndex index(i);
    const diff::Entity& entity = patched.entity(index);
    const auto twin = correlation.to_original(index);
    const diff::Change& change = changes.of(index);
    if (entity.kind == diff::EntityKind::kFunction && !entity.parent && twin && change.verdict == diff::Verdict::kChanged &&
        !change.by_callers)
      product.push_back({*twin, index});
  }
  return product;
}

const UserIndex::Users& UserIndex::of(diff::EntityIndex function) {
  if (users_.empty()) {
    users_.resize(model_.entities().size());
    for (std::size_t i = 0; i < users_.size(); ++i) {
      const diff::Entity& user = model_.entities()[i];
      const diff::EntityIndex owner = user.parent.value_or(diff::EntityIndex(i));
      // All that a function refers to stands together, but for its parts.
      const bool is_in_parts = user.parent || !user.parts.empty();
      for (const diff::Reference& reference : user.references) {
        if (reference.target.entity == owner) continue;
        Users& used = users_[reference.target.entity.value()];
        if (!reference.is_branch) {
          used.is_address_taken = true;
          continue;
        }
        const bool is_known = is_in_parts ? std::ranges::find(used.callers, owner) != used.callers.end()
                                          : !used.callers.empty() && used.callers.back() == owner;
        if (!is_known) used.callers.push_back(owner);
      }
    }
  }
  return users_.at(function.value());
}

void Assessment::append(const Assessment& other) {
  findings.append(other.findings);
  need = stronger(need, other.need);
  because.insert(other.because.begin(), other.because.end());
  anchors.insert(other.anchors.begin(), other.anchors.end());
  pinned_by.insert(other.pinned_by.begin(), other.pinned_by.end());
}

std::string Report::source_of(const diff::ObjectModel& model, const diff::Entity& entity, std::uint64_t offset) {
  if (entity.kind != diff::EntityKind::kFunction) return {};
  const auto [place, is_first] = lines_.try_emplace(&model);
  if (is_first)
    if (auto lines = elf::read_lines(model.object())) place->second = std::move(*lines);
  if (!place->second) return {};
  const auto line = place->second->find(entity.section, entity.offset + offset);
  return line ? line->file + ":" + std::to_string(line->line) : std::string();
}

void Report::add_as(Severity severity, const diff::ObjectModel& model, diff::EntityIndex entity, std::string text,
                    std::string remedy, std::uint64_t offset) {
  const diff::Entity& what = model.entity(entity);
  product_.findings.add(
      {std::string(rule_->id),
       severity,
       {.unit = subject_.unit, .symbol = model.describe(entity), .section = {}, .source = source_of(model, what, offset)},
       std::move(text),
       std::move(remedy)});
}

void Report::add(const diff::ObjectModel& model, diff::EntityIndex entity, std::string text, std::string remedy,
                 std::uint64_t offset) {
  add_as(severity_of(rule_->answer), model, entity, std::move(text), std::move(remedy), offset);
}

void Report::add_model(target::Consistency need, const diff::ObjectModel& model, diff::EntityIndex entity, std::string text,
                       std::string remedy) {
  product_.need = stronger(product_.need, need);
  product_.because.insert(std::string(rule_->id) + " " + model.describe(entity));
  add_as(model_severity(need, subject_.profile().consistency), model, entity, std::move(text), std::move(remedy));
}

void Report::pin(std::string_view because) { product_.pinned_by.insert(std::string(rule_->id) + " " + std::string(because)); }

Assessment assess(const Subject& subject) {
  Assessment product;
  Report report(subject, product);
  for (const Rule& rule : object_rules()) {
    report.begin(rule);
    rule.detect(subject, report);
  }
  return product;
}

}  // namespace hotpatch::safety

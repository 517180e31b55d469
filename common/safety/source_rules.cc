// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/safety/source_rules.h"

#include <algorithm>
#include <array>

namespace hotpatch::safety {
namespace {

constexpr auto kSourceRules = std::to_array<SourceRule>({
    {"HP043-constant", Answer::kReject, "another constant is stored", find_constant_changes},
    {"HP044-counter", Answer::kReject, "a counter is counted in another way", find_counter_changes},
    {"HP045-expression", Answer::kReject, "what is stored is computed in another way", find_expression_changes},
    {"HP046-macro", Answer::kReject, "a constant that stored values are compared with changes", find_macro_changes},
    {"HP05B-reading", Answer::kWarn, "what is stored is read in another way", find_reading_changes},
    {"HP05E-bound", Answer::kWarn, "what is indexed is reached further", find_raised_bounds},
    {"HP05C-meaning", Answer::kModel, "what a function returns is taken for something else", find_result_meanings},
    {"HP017-stored-pointer", Answer::kWarn, "a pointer to what the patch brings is stored", find_stored_pointers},
    {"HP020-unknown-flow", Answer::kReject, "a function's flow of control is not known", find_unknown_flow},
    {"HP021-balance", Answer::kModel, "a function leaves other locks held or released", find_balance_changes},
    {"HP022-order", Answer::kModel, "locks are taken in another order", find_order_changes},
    {"HP023-lock", Answer::kModel, "another lock guards what one guarded", find_replaced_locks},
    {"HP05D-lock-kind", Answer::kWarn, "a lock is taken in another way", find_lock_kinds},
    {"HP025-result", Answer::kInfo, "a function returns what it did not", find_new_results},
    {"HP028-sleeps", Answer::kWarn, "what may sleep is called where nothing may", find_sleeping_calls},
    {"HP02C-moved", Answer::kModel, "a check or a call moves from one function to another", find_moved_checks},
    {"HP04A-kept-table", Answer::kNeedsHook, "a constant changes whose address is kept", find_kept_tables},
    {"HP04B-old-objects", Answer::kNeedsHook, "new code relies on what old objects were never given", find_unborn_members},
    {"HP04C-order", Answer::kReject, "things are kept in another order", find_turned_orders},
    {"HP04D-handler-data", Answer::kReject, "a function takes what it is given for something else", find_handler_data},
    {"HP058-continuation", Answer::kReject, "what is encoded for a later call changes", find_continuation_changes},
});

void append(Effects& all, Effects one) {
  std::ranges::move(one.writes, std::back_inserter(all.writes));
  std::ranges::move(one.calls, std::back_inserter(all.calls));
  std::ranges::move(one.checks, std::back_inserter(all.checks));
  std::ranges::move(one.results, std::back_inserter(all.results));
  std::ranges::move(one.assemblies, std::back_inserter(all.assemblies));
}

bool has_word(const std::string& name, std::string_view word) { return name.find(word) != std::string::npos; }

}  // namespace

std::span<const SourceRule> source_rules() noexcept { return kSourceRules; }

std::vector<std::string> SourceSubject::callers(const std::string& function) const {
  std::vector<std::string> product;
  for (const auto& [name, facts] : original.functions) {
    const bool calls = std::ranges::any_of(facts.blocks, [&](const FlowBlock& block) {
      return std::ranges::any_of(block.events, [&](const Event& event) {
        return event.kind == EventKind::kCall && called_name(event.form) == function;
      });
    });
    if (calls && name != function) product.push_back(name);
  }
  return product;
}

void SourceReport::add(Severity severity, const std::string& function, const std::string& place, std::string text,
                       std::string remedy) {
  product_.findings.add({std::string(rule_->id),
                         severity,
                         {.unit = subject_.unit, .symbol = function, .section = {}, .source = place},
                         std::move(text),
                         std::move(remedy)});
}

void SourceReport::add_model(target::Consistency need, const std::string& function, const std::string& place, std::string text,
                             std::string remedy) {
  product_.need = stronger(product_.need, need);
  product_.because.insert(std::string(rule_->id) + " " + function);
  add(model_severity(need, subject_.profile.consistency), function, place, std::move(text), std::move(remedy));
}

void SourceReport::pin(const std::string& because) { product_.pinned_by.insert(std::string(rule_->id) + " " + because); }

Assessment assess_sources(const Facts& original, const Facts& patched, const target::Profile& profile, const std::string& unit,
                          ObjectNames names) {
  LockUses locks_before(original);
  LockUses locks_after(patched);
  SourceSubject subject{.original = original,
                        .patched = patched,
                        .profile = profile,
                        .unit = unit,
                        .locks_before = locks_before,
                        .locks_after = locks_after,
                        .brought = std::move(names.brought),
                        .replaced = std::move(names.replaced),
                        .changed = {},
                        .all_before = {}};
  EffectReader reader_before(original, patched);
  EffectReader reader_after(patched, original);
  for (const auto& [name, before] : original.functions) {
    const FunctionFacts* after = patched.find(name);
    if (after != nullptr && after->digest != before.digest && !names.same_code.contains(name))
      subject.changed.push_back({&before, after, reader_before.of(before), reader_after.of(*after)});
  }
  Assessment product;
  if (subject.changed.empty() && subject.replaced.empty()) return product;
  for (const auto& [name, before] : original.functions) append(subject.all_before, reader_before.of(before));
  SourceReport report(subject, product);
  for (const SourceRule& rule : source_rules()) {
    report.begin(rule);
    rule.detect(subject, report);
  }
  return product;
}

std::set<std::string> zeroed_types(const Facts& facts) {
  std::set<std::string> zeroed;
  std::set<std::string> doubtful;
  for (const auto& [name, function] : facts.functions)
    for (const FlowBlock& block : function.blocks)
      for (const Event& event : block.events) {
        // A copy as a whole brings the padding of what it is a copy of.
        if (event.kind == EventKind::kWrite && (event.type.starts_with("struct ") || event.type.starts_with("union ")))
          doubtful.insert(event.type);
        if (event.kind != EventKind::kCall) continue;
        const std::string callee = called_name(event.form);
        const bool zeroes = has_word(callee, "zalloc") || has_word(callee, "calloc") || has_word(callee, "kcalloc");
        const bool allocates = zeroes || has_word(callee, "alloc") || has_word(callee, "memdup");
        const bool copies = has_word(callee, "memcpy") || has_word(callee, "memmove");
        if (!allocates && !copies) continue;
        (void)any_part(event.form, [&](const Form& part) {
          if (is_a(part, "z")) (zeroes ? zeroed : doubtful).insert(part.at(1).get<std::string>());
          return false;
        });
      }
  for (const std::string& type : doubtful) zeroed.erase(type);
  return zeroed;
}

}  // namespace hotpatch::safety
